-- 医薬品マスター with 後発区分 and 特別の料金: the ministry's, the same for all insurers. A master is all rows of one first day and
-- version; what counts is the newest version of the newest day, and none is ever changed.
CREATE TABLE drugs (
    valid_from date NOT NULL,
    -- Counts within its first day: a correction is a new one.
    version int NOT NULL,
    -- レセ電 code.
    code text COLLATE "C" NOT NULL CHECK (length(code) = 9),
    -- 薬価基準コード, '' of what is not in the price list; several drugs may share one.
    price_code text COLLATE "C" NOT NULL,
    -- Its first nine characters: 成分, 剤形, 規格.
    strength text COLLATE "C" NOT NULL,
    name text NOT NULL,
    unit text NOT NULL,
    -- 薬価 in 1/100 yen.
    price_sen bigint NOT NULL,
    class text NOT NULL CHECK (class IN ('', '1', '2', '☆', '3', '★')),
    -- 特別の料金 of a unit in 1/100 yen, before tax.
    charge_sen bigint NOT NULL,
    -- 経過措置: the last day.
    ends_on date,
    PRIMARY KEY (valid_from, version, code)
);
CREATE INDEX drugs_generic ON drugs (valid_from, version, strength) WHERE class = '3';
SELECT reference_table('drugs', 'statements', 'select, insert');
