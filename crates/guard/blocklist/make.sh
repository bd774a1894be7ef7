#!/usr/bin/env bash
# Makes breached.txt anew from the npm packages @zxcvbn-ts/language-common 4.1.3, -ja 3.0.2 and -en 4.1.1 (MIT,
# ../../pages/THIRD_PARTY.md). Give the folder in which they lie unpacked as common/, ja/ and en/. Needs jq. A line is a word as
# blocklist.rs spells it before it compares; words of digits alone and of less than four characters keep no password.
set -euo pipefail
export LC_ALL=C
cd "$1"

words() { jq -r '.[]' "$@" | tr A-Z a-z | grep -a '^[!-~]*$'; }
look_alikes() { tr '1!|l0@43$57+8962(' 'iiiioaaessttbggzc'; }
romaji() {
  sed -E 's/sh/sy/g; s/ch/ty/g; s/ts/t/g; s/j/zy/g; s/f/h/g; s/dz/z/g; s/([stz])yi/\1i/g; s/d([ui])/z\1/g
          s/m([pb])/n\1/g; s/([^aeiou])\1+/\1/g; s/o(u|o|h([^aeiouy]|$))/o\2/g; s/uu/u/g'
}

{
  words common/package/src/passwords.json | grep '[a-z]' | look_alikes
  # A breached password's word is one that others decorate in their own way.
  words common/package/src/passwords.json | sed -E 's/^[^a-z]+//; s/[^a-z]+$//' | grep -E '.{5}' | look_alikes
  words ja/package/src/{commonWords,firstnames,lastnames,wikipedia}.json | grep '^[a-z]*$' | look_alikes | romaji
  jq '.[:10000]' en/package/src/commonWords.json | words | look_alikes
  words en/package/src/{commonWords,wikipedia}.json | grep -E '.{15}' | look_alikes
} | grep -E '.{4}' | sort -u
