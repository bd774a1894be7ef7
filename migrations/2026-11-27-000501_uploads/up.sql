-- Files that people bring, in pieces: the page that takes them, the worker that reads them and the command line may be three
-- machines. Gone at the end, on refusal, or after seven days.
CREATE TABLE uploads (
    tenant_id int NOT NULL,
    upload_id uuid NOT NULL,
    purpose text NOT NULL,
    brought_by uuid NOT NULL,
    bytes bigint NOT NULL CHECK (bytes >= 0),
    pieces int NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, upload_id)
);
CREATE INDEX uploads_by_time ON uploads (tenant_id, created_at);
SELECT tenant_table('uploads', 'tabular', 'select, insert, update, delete');

CREATE TABLE upload_pieces (
    tenant_id int NOT NULL,
    piece_id uuid NOT NULL,
    upload_id uuid NOT NULL,
    nth int NOT NULL,
    sealed bytea NOT NULL,
    PRIMARY KEY (tenant_id, piece_id),
    UNIQUE (tenant_id, upload_id, nth),
    FOREIGN KEY (tenant_id, upload_id) REFERENCES uploads (tenant_id, upload_id) ON DELETE CASCADE
);
SELECT tenant_table('upload_pieces', 'tabular', 'select, insert, update, delete');
