//! The three members of an X.509 certificate that signing in needs (RFC 5280, section 4.1). A crate that knows all of X.509 would bring a
//! dozen others into the deployed program; nothing is decided here that Entra does not decide again.

use time::{Date, OffsetDateTime, PrimitiveDateTime, Time};

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const SEQUENCE: u8 = 0x30;
/// The certificate's version, which the first version left out.
const VERSION: u8 = 0xa0;

/// What a certificate says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Certificate<'a> {
    /// From when it is valid.
    pub not_before: OffsetDateTime,
    /// Until when, the last second included.
    pub not_after: OffsetDateTime,
    /// The subject's public key, without the algorithm's name: for RSA, an `RSAPublicKey` in DER.
    pub public_key: &'a [u8],
}

impl<'a> Certificate<'a> {
    /// Reads a certificate in DER; `None` where it is none.
    pub fn read(der: &'a [u8]) -> Option<Self> {
        let mut outermost = Der(der);
        let mut signed = Der(Der(outermost.take(SEQUENCE)?).take(SEQUENCE)?);
        if signed.0.first() == Some(&VERSION) {
            signed.take(VERSION)?;
        }
        signed.take(INTEGER)?;
        let (_algorithm, _issuer) = (signed.take(SEQUENCE)?, signed.take(SEQUENCE)?);
        let mut validity = Der(signed.take(SEQUENCE)?);
        let _subject = signed.take(SEQUENCE)?;
        let mut key = Der(signed.take(SEQUENCE)?);
        let _algorithm = key.take(SEQUENCE)?;
        // The first octet tells how many bits at the end do not count: none, in a key.
        let (0, public_key) = key.take(BIT_STRING)?.split_first()? else { return None };
        Some(Self { not_before: validity.time()?, not_after: validity.time()?, public_key })
    }
}

/// What is left to read of a value in DER (X.690).
struct Der<'a>(&'a [u8]);

impl<'a> Der<'a> {
    /// The contents of the next element, which has to have this tag.
    fn take(&mut self, tag: u8) -> Option<&'a [u8]> {
        let (&found, rest) = self.0.split_first()?;
        let (&short, rest) = rest.split_first()?;
        let (length, rest) = match short {
            0..=0x7f => (usize::from(short), rest),
            // The length in as many octets: two are enough for 64 KB, which no store keeps in one secret.
            0x81 | 0x82 => {
                let (octets, rest) = rest.split_at_checked(usize::from(short & 0x7f))?;
                (octets.iter().fold(0, |length, octet| length << 8 | usize::from(*octet)), rest)
            }
            _ => return None,
        };
        let (contents, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        (found == tag).then_some(contents)
    }

    /// The next element as a time: `YYMMDDHHMMSSZ` until 2049, `YYYYMMDDHHMMSSZ` from 2050 (RFC 5280, section 4.1.2.5).
    fn time(&mut self) -> Option<OffsetDateTime> {
        let is_short = self.0.first() == Some(&UTC_TIME);
        let text = self.take(if is_short { UTC_TIME } else { GENERALIZED_TIME })?;
        let digits = std::str::from_utf8(text).ok()?.strip_suffix('Z').filter(|text| text.bytes().all(|c| c.is_ascii_digit()))?;
        let (year, rest) = digits.split_at_checked(if is_short { 2 } else { 4 })?;
        let year: i32 = year.parse().ok()?;
        let year = match year {
            50.. if is_short => 1900 + year,
            _ if is_short => 2000 + year,
            _ => year,
        };
        let pairs: Vec<u8> = (0..rest.len()).step_by(2).map_while(|at| rest.get(at..at + 2)?.parse().ok()).collect();
        let &[month, day, hour, minute, second] = pairs.as_slice() else { return None };
        let date = Date::from_calendar_date(year, month.try_into().ok()?, day).ok()?;
        Some(PrimitiveDateTime::new(date, Time::from_hms(hour, minute, second).ok()?).assume_utc())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rcgen::{CertificateParams, KeyPair, PublicKeyData as _};
    use time::macros::datetime;

    use super::*;

    fn made(not_before: OffsetDateTime, not_after: OffsetDateTime) -> (Vec<u8>, KeyPair) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(["login.example".to_owned()]).unwrap();
        params.not_before = not_before;
        params.not_after = not_after;
        (params.self_signed(&key).unwrap().der().to_vec(), key)
    }

    #[test]
    fn reads_the_times_and_the_key() {
        for (from, until) in [
            (datetime!(2026-11-24 23:30:01 UTC), datetime!(2027-11-24 23:30:01 UTC)),
            (datetime!(1999-12-31 0:00 UTC), datetime!(2049-12-31 23:59:59 UTC)),
            (datetime!(2050-01-01 0:00 UTC), datetime!(9999-12-31 23:59:59 UTC)),
        ] {
            let (der, key) = made(from, until);
            let certificate = Certificate::read(&der).unwrap();
            assert_eq!((certificate.not_before, certificate.not_after), (from, until));
            assert_eq!(certificate.public_key, key.der_bytes());
        }
    }

    #[test]
    fn a_certificate_that_is_cut_short_is_none() {
        let (der, _) = made(datetime!(2026-11-24 0:00 UTC), datetime!(2027-11-24 0:00 UTC));
        for end in 0..der.len() {
            assert_eq!(Certificate::read(&der[..end]), None, "{end}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_read_nothing_breaks(at in 0..300_usize, octet: u8, bytes: Vec<u8>) {
            let (mut der, _) = made(datetime!(2026-11-24 0:00 UTC), datetime!(2027-11-24 0:00 UTC));
            if let Some(place) = der.get_mut(at) {
                *place = octet;
            }
            let _ = Certificate::read(&der);
            let _ = Certificate::read(&bytes);
        }
    }
}
