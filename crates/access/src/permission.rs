//! Permissions: what a page or an action asks for. Those of the pipeline stand here; a module declares its own.

/// What somebody may do, as `area.verb`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Permission(pub &'static str);

impl Permission {
    /// True where it reaches over the whole insurer: whoever is bounded to some of its people doesn't hold it, or they
    /// could see and change the others, and their own bounds.
    pub fn is_over_all(self) -> bool {
        OVER_ALL.contains(&self)
    }
}

impl std::fmt::Display for Permission {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0)
    }
}

/// Search people; roster facts and the state of accounts.
pub const MEMBERS_VIEW: Permission = Permission("members.view");
/// Addresses, phones and mail in clear; whoever lacks it sees them masked, and finds nobody by them.
pub const MEMBERS_CONTACT: Permission = Permission("members.contact");
/// End sessions, unlock, start a reset; notes on a person.
pub const MEMBERS_SUPPORT: Permission = Permission("members.support");
/// Add and mend people of the roster.
pub const MEMBERS_EDIT: Permission = Permission("members.edit");
/// Set the address of an account.
pub const MEMBERS_EMAIL: Permission = Permission("members.email");
/// Close an account.
pub const MEMBERS_CANCEL: Permission = Permission("members.cancel");
/// Set and lift protections, and see protected people.
pub const MEMBERS_PROTECT: Permission = Permission("members.protect");
/// Print the letters that lead to sign-up.
pub const LETTERS_PRINT: Permission = Permission("letters.print");
/// Import a roster.
pub const ROSTER_IMPORT: Permission = Permission("roster.import");
/// Take an import back.
pub const ROSTER_UNDO: Permission = Permission("roster.undo");
/// Files with people in them.
pub const EXPORT_PERSONAL: Permission = Permission("export.personal");
/// Look at imports.
pub const ROSTER_VIEW: Permission = Permission("roster.view");
/// Write notices.
pub const NOTICES_EDIT: Permission = Permission("notices.edit");
/// Publish and end notices.
pub const NOTICES_PUBLISH: Permission = Permission("notices.publish");
/// Publish a delivery of statements, and take it back. The module declares it with its others; it stands here since four eyes ask
/// for it.
pub const STATEMENTS_PUBLISH: Permission = Permission("statements.publish");
/// Write revisions of the terms.
pub const TERMS_EDIT: Permission = Permission("terms.edit");
/// Change the insurer's settings.
pub const SETTINGS_EDIT: Permission = Permission("settings.edit");
/// Invite colleagues; give and take roles.
pub const STAFF_MANAGE: Permission = Permission("staff.manage");
/// Let programs in, and shut them out.
pub const CLIENTS_MANAGE: Permission = Permission("clients.manage");
/// Let the platform's support in.
pub const SUPPORT_GRANT: Permission = Permission("support.grant");
/// Look at the settings.
pub const SETTINGS_VIEW: Permission = Permission("settings.view");
/// Look at the terms.
pub const TERMS_VIEW: Permission = Permission("terms.view");
/// Look at the notices.
pub const NOTICES_VIEW: Permission = Permission("notices.view");
/// See who works here, and with which roles.
pub const STAFF_VIEW: Permission = Permission("staff.view");
/// Read the trail.
pub const AUDIT_VIEW: Permission = Permission("audit.view");
/// Take the trail along as a file.
pub const AUDIT_EXPORT: Permission = Permission("audit.export");
/// Who of one's own workplaces has registered, and nothing more.
pub const WORKPLACE_VIEW: Permission = Permission("workplace.view");
/// The platform's: insurers.
pub const OPERATOR_INSURERS: Permission = Permission("operator.insurers");
/// The platform's: dead mails.
pub const OPERATOR_MAIL: Permission = Permission("operator.mail");
/// The platform's: maintenance and what all are told.
pub const OPERATOR_SITE: Permission = Permission("operator.site");
/// The platform's: how its nodes are, and dead jobs.
pub const OPERATOR_HEALTH: Permission = Permission("operator.health");

const OVER_ALL: [Permission; 13] = [
    MEMBERS_PROTECT,
    ROSTER_IMPORT,
    ROSTER_UNDO,
    NOTICES_EDIT,
    NOTICES_PUBLISH,
    TERMS_EDIT,
    SETTINGS_EDIT,
    STAFF_MANAGE,
    STAFF_VIEW,
    CLIENTS_MANAGE,
    SUPPORT_GRANT,
    AUDIT_VIEW,
    AUDIT_EXPORT,
];

/// The pipeline's permissions.
pub const PERMISSIONS: [Permission; 30] = [
    MEMBERS_VIEW,
    MEMBERS_CONTACT,
    MEMBERS_SUPPORT,
    MEMBERS_EDIT,
    MEMBERS_EMAIL,
    MEMBERS_CANCEL,
    MEMBERS_PROTECT,
    LETTERS_PRINT,
    ROSTER_IMPORT,
    ROSTER_UNDO,
    EXPORT_PERSONAL,
    ROSTER_VIEW,
    NOTICES_EDIT,
    NOTICES_PUBLISH,
    TERMS_EDIT,
    SETTINGS_EDIT,
    STAFF_MANAGE,
    CLIENTS_MANAGE,
    SUPPORT_GRANT,
    SETTINGS_VIEW,
    TERMS_VIEW,
    NOTICES_VIEW,
    STAFF_VIEW,
    AUDIT_VIEW,
    AUDIT_EXPORT,
    WORKPLACE_VIEW,
    OPERATOR_INSURERS,
    OPERATOR_MAIL,
    OPERATOR_SITE,
    OPERATOR_HEALTH,
];
