DROP INDEX notices_to_members_by_id;
