//! Abbreviations of time zones: the default set of PostgreSQL's `timezone_abbreviations`.

/// What an abbreviation means.
pub(super) enum Abbreviation {
    /// Seconds east of UTC.
    Fixed(i32),
    /// Whatever it meant in this zone at the time.
    Zone(&'static str),
}

/// Minutes east of UTC, and the lower-case abbreviations of that offset.
const FIXED: &[(i32, &str)] = &[
    (-600, "hst taht"),
    (-570, "mart"),
    (-540, "akst gamt"),
    (-480, "akdt pst"),
    (-420, "mst pdt"),
    (-360, "cst galt mdt"),
    (-300, "act cdt cot est pet"),
    (-240, "amt ast bot edt"),
    (-210, "nft nst"),
    (-180, "adt bra brt clst gft pmst pyst uyt wgt"),
    (-150, "ndt"),
    (-120, "brst fnt pmdt uyst wgst"),
    (-60, "azot egt fnst"),
    (0, "azost egst gmt uct ut utc wet z zulu"),
    (60, "bst cet met mez wat wetdst"),
    (120, "bdst cest cetdst eet ist mest mesz metdst sast"),
    (180, "eat eest eetdst fet idt"),
    (210, "irt"),
    (240, "msd mut ret sct"),
    (270, "aft"),
    (300, "must mvt pkt tft tjt uzt"),
    (345, "npt"),
    (360, "almt bdt btt kgst pkst uzst xjt yekst"),
    (390, "mmt"),
    (420, "almst cxt ict wast"),
    (480, "awst bnt bort cct hkt myt pht wadt"),
    (525, "acwst"),
    (540, "awsst jayt jst kst pwt ulast wdt"),
    (570, "acst cast"),
    (600, "aest chut ddut kdt ligt mpt pgt trut yapt"),
    (630, "acdt acsst cadt lhst sadt"),
    (660, "aedt aesst pont vut"),
    (720, "fjt gilt mht nzst nzt tvt wakt wft"),
    (765, "chast"),
    (780, "fjst nzdt tot"),
    (825, "chadt"),
];

/// Abbreviations whose meaning has changed over time.
const CHANGING: &[(&str, &str)] = &[
    ("amst", "Asia/Yerevan"),
    ("anast", "Asia/Anadyr"),
    ("anat", "Asia/Anadyr"),
    ("arst", "America/Argentina/Buenos_Aires"),
    ("art", "America/Argentina/Buenos_Aires"),
    ("azst", "Asia/Baku"),
    ("azt", "Asia/Baku"),
    ("ckt", "Pacific/Rarotonga"),
    ("clt", "America/Santiago"),
    ("davt", "Antarctica/Davis"),
    ("easst", "Pacific/Easter"),
    ("east", "Pacific/Easter"),
    ("fkst", "Atlantic/Stanley"),
    ("fkt", "Atlantic/Stanley"),
    ("gest", "Asia/Tbilisi"),
    ("get", "Asia/Tbilisi"),
    ("gyt", "America/Guyana"),
    ("iot", "Indian/Chagos"),
    ("irkst", "Asia/Irkutsk"),
    ("irkt", "Asia/Irkutsk"),
    ("kgt", "Asia/Bishkek"),
    ("kost", "Pacific/Kosrae"),
    ("krast", "Asia/Krasnoyarsk"),
    ("krat", "Asia/Krasnoyarsk"),
    ("lhdt", "Australia/Lord_Howe"),
    ("lint", "Pacific/Kiritimati"),
    ("lkt", "Asia/Colombo"),
    ("magst", "Asia/Magadan"),
    ("magt", "Asia/Magadan"),
    ("mawt", "Antarctica/Mawson"),
    ("msk", "Europe/Moscow"),
    ("novst", "Asia/Novosibirsk"),
    ("novt", "Asia/Novosibirsk"),
    ("nut", "Pacific/Niue"),
    ("omsst", "Asia/Omsk"),
    ("omst", "Asia/Omsk"),
    ("petst", "Asia/Kamchatka"),
    ("pett", "Asia/Kamchatka"),
    ("pyt", "America/Asuncion"),
    ("sgt", "Asia/Singapore"),
    ("tkt", "Pacific/Fakaofo"),
    ("tmt", "Asia/Ashgabat"),
    ("ulat", "Asia/Ulaanbaatar"),
    ("vet", "America/Caracas"),
    ("vlast", "Asia/Vladivostok"),
    ("vlat", "Asia/Vladivostok"),
    ("volt", "Europe/Volgograd"),
    ("yakst", "Asia/Yakutsk"),
    ("yakt", "Asia/Yakutsk"),
    ("yekt", "Asia/Yekaterinburg"),
];

/// Looks up a lower-case abbreviation.
pub(super) fn find(name: &str) -> Option<Abbreviation> {
    if name.is_empty() {
        return None;
    }
    let fixed = FIXED
        .iter()
        .find(|(_, names)| names.split(' ').any(|known| known == name))
        .map(|(minutes, _)| Abbreviation::Fixed(minutes * 60));
    fixed.or_else(|| {
        CHANGING
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, zone)| Abbreviation::Zone(zone))
    })
}
