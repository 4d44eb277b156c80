//! What the kernel says when it refuses: an errno, and often a sentence of its own (NETLINK_EXT_ACK).

use netlink_packet_core::{NLM_F_ACK_TLVS, NLM_F_CAPPED, NlasIterator, parse_string, parse_u32};

/// NLMSGERR_ATTR_MSG of `linux/netlink.h`.
const MESSAGE: u16 = 1;
/// The size of a netlink header, which an acknowledgement repeats.
const HEADER: usize = 16;

/// Why the kernel refused a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub errno: i32,
    /// The kernel's own words; empty where it has none.
    pub said: String,
}

impl Refusal {
    /// Reads an NLMSG_ERROR; none where it acknowledges.
    pub(crate) fn from_acknowledgement(code: i32, flags: u16, payload: &[u8]) -> Option<Self> {
        let errno = code.checked_neg().filter(|errno| *errno != 0)?;
        // The message that failed comes back whole unless the answer is capped.
        let repeated = match payload.first_chunk::<4>() {
            Some(length) if flags & NLM_F_CAPPED == 0 => {
                parse_u32(length).map_or(HEADER, |length| length as usize)
            }
            _ => HEADER,
        };
        let attributes = payload.get(repeated.next_multiple_of(4)..).unwrap_or_default();
        Some(Self {
            errno,
            said: if flags & NLM_F_ACK_TLVS == 0 { String::new() } else { message(attributes) },
        })
    }

    /// Reads the NLMSG_DONE of a list; none where it is complete.
    pub(crate) fn from_end(code: i32, attributes: &[u8]) -> Option<Self> {
        let errno = code.checked_neg().filter(|errno| *errno > 0)?;
        Some(Self { errno, said: message(attributes) })
    }
}

fn message(attributes: &[u8]) -> String {
    let mut found = NlasIterator::new(attributes).flatten().filter(|attribute| attribute.kind() == MESSAGE);
    found.next().and_then(|attribute| parse_string(attribute.value()).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{HEADER, Refusal};
    use netlink_packet_core::{NLM_F_ACK_TLVS, NLM_F_CAPPED};

    /// An attribute with the kernel's words, as it writes them.
    fn words(text: &str) -> Vec<u8> {
        let mut bytes = ((text.len() + 5) as u16).to_ne_bytes().to_vec();
        bytes.extend([1, 0]);
        bytes.extend(text.as_bytes());
        bytes.resize(bytes.len() + 1, 0);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    }

    #[test]
    fn an_acknowledgement_is_no_refusal() {
        assert_eq!(Refusal::from_acknowledgement(0, NLM_F_CAPPED, &[0; HEADER]), None);
        assert_eq!(Refusal::from_end(0, &[]), None);
    }

    #[test]
    fn the_kernels_words_are_found_behind_what_it_repeats() {
        let expected = Refusal { errno: libc::EINVAL, said: "Invalid MAC address".into() };
        let mut capped = vec![0; HEADER];
        capped.extend(words("Invalid MAC address"));
        let flags = NLM_F_ACK_TLVS | NLM_F_CAPPED;
        assert_eq!(Refusal::from_acknowledgement(-libc::EINVAL, flags, &capped), Some(expected.clone()));
        let mut whole = 22u32.to_ne_bytes().to_vec();
        whole.resize(24, 0);
        whole.extend(words("Invalid MAC address"));
        assert_eq!(
            Refusal::from_acknowledgement(-libc::EINVAL, NLM_F_ACK_TLVS, &whole),
            Some(expected.clone())
        );
        assert_eq!(Refusal::from_end(-libc::EINVAL, &words("Invalid MAC address")), Some(expected));
    }

    #[test]
    fn what_is_cut_short_has_no_words() {
        for length in 0..24 {
            let refusal = Refusal::from_acknowledgement(-libc::EPERM, NLM_F_ACK_TLVS, &vec![0xff; length]);
            assert_eq!(refusal, Some(Refusal { errno: libc::EPERM, said: String::new() }));
        }
    }
}
