ALTER TABLE staff
    -- When a suspension was last lifted: from then on an account counts as unused anew.
    ADD COLUMN resumed_at timestamptz,
    -- Since when a colleague's reset of the second factor waits for its owner's mailed link.
    ADD COLUMN factor_reset_at timestamptz;
