DROP TABLE logos;
DROP TABLE pages;
DROP TABLE terms_documents;
DROP TABLE insurer_revisions;
DROP TABLE insurers;
