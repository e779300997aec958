//! Who a client says that it is: the user of its credentials and the name of its connection.

use tonic::metadata::MetadataMap;

use super::super::super::persistent::ClientIdentity;

/// Reads the identity from the headers of a request. Nothing is checked: the server has no users.
pub(super) fn identity(headers: &MetadataMap) -> ClientIdentity {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let unknown = ClientIdentity::default();
    ClientIdentity {
        username: text("authorization").and_then(basic_user).unwrap_or(unknown.username),
        connection_name: text("connection-name").map_or(unknown.connection_name, str::to_owned),
    }
}

/// Returns the user of a basic authorization header.
fn basic_user(header: &str) -> Option<String> {
    let (scheme, credentials) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let credentials = String::from_utf8(decode_base64(credentials.trim())?).ok()?;
    Some(credentials.split_once(':')?.0.to_owned())
}

/// Decodes the standard alphabet, with or without padding.
fn decode_base64(text: &str) -> Option<Vec<u8>> {
    let (mut decoded, mut bits, mut held) = (Vec::new(), 0_u32, 0);
    for symbol in text.trim_end_matches('=').bytes() {
        let value = match symbol {
            b'A'..=b'Z' => symbol - b'A',
            b'a'..=b'z' => symbol - b'a' + 26,
            b'0'..=b'9' => symbol - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = (bits << 6) + u32::from(value);
        held += 6;
        if held >= 8 {
            held -= 8;
            decoded.push((bits >> held) as u8);
        }
    }
    Some(decoded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_user_is_the_one_of_the_credentials() {
        let mut headers = MetadataMap::new();
        headers.insert("authorization", "Basic YWRtaW46Y2hhbmdlaXQ=".parse().unwrap());
        headers.insert("connection-name", "projector".parse().unwrap());
        assert_eq!(
            identity(&headers),
            ClientIdentity { username: "admin".into(), connection_name: "projector".into() }
        );
    }

    #[test]
    fn each_symbol_stands_for_its_six_bits() {
        let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let decoded = decode_base64(alphabet).unwrap();
        let bits = decoded.iter().map(|byte| format!("{byte:08b}")).collect::<String>();
        assert_eq!(bits, (0..64).map(|value| format!("{value:06b}")).collect::<String>());
    }

    #[test]
    fn who_says_nothing_is_anonymous() {
        assert_eq!(identity(&MetadataMap::new()), ClientIdentity::default());
    }

    #[test]
    fn credentials_that_cannot_be_read_name_nobody() {
        for header in ["Basic", "Basic %%%", "Bearer YWRtaW46Y2hhbmdlaXQ=", "Basic YWRtaW4="] {
            assert_eq!(basic_user(header), None, "{header}");
        }
    }
}
