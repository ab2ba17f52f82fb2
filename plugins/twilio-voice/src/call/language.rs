//! The languages in which a code is spoken.

/// One language: what Twilio calls it, and the words around the code.
#[derive(Debug)]
pub(crate) struct Language {
    /// BCP 47 tag as the `language` attribute of `<Say>` wants it.
    pub(super) tag: &'static str,
    /// Whether the tag stands for the language whatever the region.
    general: bool,
    /// Before the code. No digits: whoever listens takes them for the code's.
    pub(super) first: &'static str,
    /// Before the code is repeated.
    pub(super) again: &'static str,
}

const ENGLISH: (&str, &str) = ("Your code is:", "Once more, your code is:");
const FRENCH: (&str, &str) = ("Votre code est :", "Je répète, votre code est :");
const SPANISH: (&str, &str) = ("Su código es:", "Repito, su código es:");

/// In order of preference: the first entry of a language is the general one.
static LANGUAGES: [Language; 18] = [
    general("en-US", ENGLISH),
    regional("en-GB", ENGLISH),
    regional("en-AU", ENGLISH),
    general("da-DK", ("Din kode er:", "Jeg gentager, din kode er:")),
    general("de-DE", ("Ihr Code lautet:", "Ich wiederhole, Ihr Code lautet:")),
    general("es-ES", SPANISH),
    regional("es-MX", SPANISH),
    regional("es-US", SPANISH),
    general("fr-FR", FRENCH),
    regional("fr-CA", FRENCH),
    general("it-IT", ("Il suo codice è:", "Ripeto, il suo codice è:")),
    general("ja-JP", ("認証コードをお伝えします。", "もう一度お伝えします。")),
    general("nb-NO", ("Koden din er:", "Jeg gjentar, koden din er:")),
    general("nl-NL", ("Uw code is:", "Ik herhaal, uw code is:")),
    general("pl-PL", ("Twój kod to:", "Powtarzam, twój kod to:")),
    regional("pt-PT", ("O seu código é:", "Repito, o seu código é:")),
    general("pt-BR", ("Seu código é:", "Repetindo, seu código é:")),
    general("sv-SE", ("Din kod är:", "Jag upprepar, din kod är:")),
];

impl Language {
    /// The language for a BCP 47 tag: that of the region, else the general one.
    pub(crate) fn of(tag: &str) -> Option<&'static Self> {
        let mut subtags = tag.split(['-', '_']);
        let primary = match subtags.next()? {
            // Norwegian without saying which one is written as Bokmål.
            no if no.eq_ignore_ascii_case("no") => "nb",
            other => other,
        };
        // A region is two letters (ISO 3166-1); a script, which may precede it, has four.
        let region = subtags.take_while(|subtag| subtag.len() > 1).find(|subtag| subtag.len() == 2);
        let exact = region.and_then(|region| {
            LANGUAGES.iter().find(|known| {
                known.primary().eq_ignore_ascii_case(primary) && known.tag[3..].eq_ignore_ascii_case(region)
            })
        });
        exact.or_else(|| LANGUAGES.iter().find(|known| known.general && known.primary().eq_ignore_ascii_case(primary)))
    }

    /// The tags of all languages.
    pub(crate) fn tags() -> impl Iterator<Item = &'static str> {
        LANGUAGES.iter().map(|language| language.tag)
    }

    /// American English.
    pub(crate) const fn default() -> &'static Self {
        &LANGUAGES[0]
    }

    fn primary(&self) -> &'static str {
        &self.tag[..2]
    }
}

const fn general(tag: &'static str, (first, again): (&'static str, &'static str)) -> Language {
    Language { tag, general: true, first, again }
}

const fn regional(tag: &'static str, (first, again): (&'static str, &'static str)) -> Language {
    Language { tag, general: false, first, again }
}

#[cfg(test)]
pub(super) fn all() -> &'static [Language] {
    &LANGUAGES
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(tag: &str, expected: Option<&str>) {
        assert_eq!(Language::of(tag).map(|language| language.tag), expected, "{tag}");
    }

    #[test]
    fn a_tag_finds_its_region_then_its_language() {
        check("en", Some("en-US"));
        check("en-GB", Some("en-GB"));
        check("EN_gb", Some("en-GB"));
        check("en-NZ", Some("en-US"));
        check("de-AT", Some("de-DE"));
        check("pt", Some("pt-BR"));
        check("pt-PT", Some("pt-PT"));
        check("pt-Latn-PT", Some("pt-PT"));
        check("no", Some("nb-NO"));
        check("ja-JP-u-ca-japanese", Some("ja-JP"));
    }

    #[test]
    fn an_extension_is_not_taken_for_a_region() {
        check("en-u-gb", Some("en-US"));
    }

    #[test]
    fn what_is_not_a_known_language_is_none() {
        for tag in ["", "-", "x", "tlh", "deutsch", "日本", "zz-GB"] {
            check(tag, None);
        }
    }

    #[test]
    fn each_language_has_one_general_entry_and_no_digits_in_its_words() {
        for language in &LANGUAGES {
            let general = LANGUAGES.iter().filter(|other| other.general && other.primary() == language.primary());
            assert_eq!(general.count(), 1, "{}", language.tag);
            assert!(!language.first.contains(char::is_numeric) && !language.again.contains(char::is_numeric));
        }
    }
}
