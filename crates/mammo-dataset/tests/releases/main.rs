//! Releases as their publishers lay them out, quirks included, made from invented rows and pixels: how they are read, audited
//! and ingested. None of the released files is here.

mod audits;
mod bcdr;
mod cbis_ddsm;
mod cmmd;
mod damage;
mod fixtures;
mod inbreast;
mod ingest;
mod manifest;
mod vindr_mammo;
