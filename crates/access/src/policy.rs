//! The policy: casbin reads model and lines once at start; what it says of each role is kept as a set.

use crate::{Permission, Role, SCOPES, Scope, scope::SUBJECT};
use casbin::{CoreApi as _, DefaultModel, Enforcer, MemoryAdapter, MgmtApi as _};
use futures_util::FutureExt as _;
use std::collections::{BTreeMap, BTreeSet};

const MODEL: &str = include_str!("../policy/model.conf");
const PIPELINE: &str = include_str!("../policy/permissions.csv");
const PROGRAMS: &str = include_str!("../policy/scopes.csv");

/// Why the policies can't be used: a fault of ours, found at start.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// A line that is not `p, role, permission` or `p, client:scope, scope`.
    #[error("policy line {line:?} does not read")]
    Line {
        /// The line.
        line: String,
    },
    /// A line of a role, permission or scope that nobody knows.
    #[error("policy line {line:?} names what does not exist")]
    Unknown {
        /// The line.
        line: String,
    },
    /// casbin.
    #[error("casbin: {0}")]
    Casbin(#[from] casbin::Error),
    /// casbin waited for something, which a policy in memory never makes it do.
    #[error("casbin did not answer at once")]
    Late,
}

/// What each role may do, and what each scope lets a program do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    sets: BTreeMap<Role, BTreeSet<Permission>>,
    permissions: BTreeSet<Permission>,
    scopes: BTreeMap<Scope, BTreeSet<Scope>>,
}

impl Policy {
    /// The pipeline's lines and the modules': each module's permissions with its `permissions.csv`.
    pub fn load(modules: &[(&[Permission], &str)]) -> Result<Self, PolicyError> {
        let enforcer = enforcer(modules)?;
        let permissions: BTreeSet<Permission> = known(modules).collect();
        let mut sets = BTreeMap::new();
        for role in Role::ALL {
            let mut set = BTreeSet::new();
            for permission in &permissions {
                if enforcer.enforce((role.as_str(), permission.0))? {
                    set.insert(*permission);
                }
            }
            sets.insert(role, set);
        }
        let mut scopes = BTreeMap::new();
        for held in SCOPES {
            let mut set = BTreeSet::new();
            for scope in SCOPES {
                if enforcer.enforce((held.subject(), scope.as_str()))? {
                    set.insert(scope);
                }
            }
            scopes.insert(held, set);
        }
        Ok(Self {
            sets,
            permissions,
            scopes,
        })
    }

    /// True where a program that holds these scopes is let in by this one.
    pub fn lets_in<'a>(&self, held: impl IntoIterator<Item = &'a Scope>, scope: Scope) -> bool {
        let mut sets = held.into_iter().filter_map(|held| self.scopes.get(held));
        sets.any(|set| set.contains(&scope))
    }

    /// What somebody with these roles may do.
    pub fn permissions(&self, roles: impl IntoIterator<Item = Role>) -> BTreeSet<Permission> {
        let sets = roles.into_iter().filter_map(|role| self.sets.get(&role));
        sets.flatten().copied().collect()
    }

    /// What a role may do.
    pub fn of(&self, role: Role) -> impl Iterator<Item = Permission> {
        self.sets.get(&role).into_iter().flatten().copied()
    }

    /// Every permission there is.
    pub fn all(&self) -> impl Iterator<Item = Permission> {
        self.permissions.iter().copied()
    }
}

fn known(modules: &[(&[Permission], &str)]) -> impl Iterator<Item = Permission> {
    let of_modules = modules.iter().flat_map(|(permissions, _)| permissions.iter().copied());
    crate::PERMISSIONS.into_iter().chain(of_modules)
}

/// casbin with every line. A line that names what does not exist would grant nothing in silence, so it stops the start.
fn enforcer(modules: &[(&[Permission], &str)]) -> Result<Enforcer, PolicyError> {
    let permissions: BTreeSet<&str> = known(modules).map(|permission| permission.0).collect();
    let texts = modules.iter().map(|(_, text)| *text);
    let mut lines = Vec::new();
    for line in [PIPELINE, PROGRAMS].into_iter().chain(texts).flat_map(str::lines) {
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        let parts: Vec<&str> = line.split(',').map(str::trim).collect();
        let ["p", subject, what] = parts[..] else {
            return Err(PolicyError::Line { line: line.into() });
        };
        let is_known = match subject.strip_prefix(SUBJECT) {
            Some(held) => Scope::read(held).is_some() && Scope::read(what).is_some(),
            None => Role::read(subject).is_some() && permissions.contains(what),
        };
        if !is_known {
            return Err(PolicyError::Unknown { line: line.into() });
        }
        lines.push(vec![subject.to_owned(), what.to_owned()]);
    }
    let made = async {
        let model = DefaultModel::from_str(MODEL).await?;
        let mut enforcer = Enforcer::new(model, MemoryAdapter::default()).await?;
        enforcer.add_policies(lines).await?;
        Ok(enforcer)
    };
    // All of it is in memory: there is nothing to wait for.
    made.now_or_never().ok_or(PolicyError::Late)?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sets_are_casbins_own_answers_for_every_role_and_permission() {
        let policy = Policy::load(&[]).unwrap();
        let casbin = enforcer(&[]).unwrap();
        for role in Role::ALL {
            let set: BTreeSet<_> = policy.of(role).collect();
            for permission in policy.all() {
                let says = casbin.enforce((role.as_str(), permission.0)).unwrap();
                assert_eq!(set.contains(&permission), says, "{role:?} {permission}");
            }
        }
        assert!(!casbin.enforce(("nobody", "members.view")).unwrap());
        assert!(!casbin.enforce(("administrator", "members.nothing")).unwrap());
    }

    #[test]
    fn a_program_is_let_in_as_casbin_says_of_each_scope_that_it_holds() {
        let policy = Policy::load(&[]).unwrap();
        let casbin = enforcer(&[]).unwrap();
        for held in SCOPES {
            for scope in SCOPES {
                let says = casbin.enforce((held.subject(), scope.as_str())).unwrap();
                assert_eq!(policy.lets_in([&held], scope), says, "{held} {scope}");
                assert_eq!(says, held == scope, "{held} {scope}: each scope stands for itself");
            }
            // No role of staff is let in by a scope, and no program by a permission.
            for role in Role::ALL {
                let word = (role.as_str(), held.as_str());
                let of_staff = policy.of(role).any(|permission| permission.0 == held.as_str());
                assert_eq!(casbin.enforce(word).unwrap(), of_staff, "{word:?}");
            }
            assert!(!casbin.enforce((held.subject(), "clients.manage")).unwrap());
        }
        assert!(!policy.lets_in([], SCOPES[0]));
    }

    #[test]
    fn a_line_of_nobody_or_for_nothing_stops_the_start() {
        let own = Permission("claims.view");
        let load = |text| Policy::load(&[(&[own], text)]);
        assert!(
            load("p, benefits, claims.view\n")
                .unwrap()
                .permissions([Role::Benefits])
                .contains(&own)
        );
        assert!(matches!(
            load("p, benefit, claims.view"),
            Err(PolicyError::Unknown { .. })
        ));
        assert!(matches!(
            load("p, benefits, claims.veiw"),
            Err(PolicyError::Unknown { .. })
        ));
        for line in [
            "p, client:members.red, members.read",
            "p, client:members.read, claims.view",
            "p, benefits, members.read",
        ] {
            assert!(matches!(load(line), Err(PolicyError::Unknown { .. })), "{line}");
        }
        assert!(matches!(
            load("g, benefits, claims.view"),
            Err(PolicyError::Line { .. })
        ));
    }

    /// The matrix that is reviewed: who may do what.
    #[test]
    fn the_matrix_of_roles_and_permissions() {
        let policy = Policy::load(&[]).unwrap();
        let line = |permission: Permission| {
            let holds = |role: &Role| policy.permissions([*role]).contains(&permission);
            let holders: Vec<_> = Role::ALL.into_iter().filter(holds).map(Role::as_str).collect();
            format!("{permission}: {}", holders.join(" "))
        };
        insta::assert_snapshot!(policy.all().map(line).collect::<Vec<_>>().join("\n"));
    }
}
