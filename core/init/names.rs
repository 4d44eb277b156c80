//! Questions for names, and answers to them from lines in the form of hosts(5): RFC 1035 and RFC 6891, over bytes alone.
//!
//! Whatever a packet holds, nothing here panics or reads beyond it. Names in questions are never compressed, so that a
//! pointer is an error there and is nowhere followed.

use core::net::IpAddr;

/// What an answer may have where the question does not say more, in bytes.
const SMALLEST: usize = 512;
/// What one may have at most, and how much room [`Answer::to`] wants.
pub(crate) const LARGEST: usize = 4096;
/// How long an answer may be kept, in seconds: containers come and go.
const LIFETIME: [u8; 4] = [0, 0, 0, 5];

/// The codes of answers.
pub(crate) const FINE: u8 = 0;
const MALFORMED: u8 = 1;
pub(crate) const FAILED: u8 = 2;
const NOT_IMPLEMENTED: u8 = 4;
const REFUSED: u8 = 5;

const HEADER: usize = 12;
const RESPONSE: u16 = 0x8000;
const KIND_OF_QUESTION: u16 = 0x7800;
const CUT: u16 = 0x0200;
const RECURSION_AVAILABLE: u16 = 0x0080;
/// Recursion desired, checking disabled: an answer repeats them.
const REPEATED: u16 = 0x0110;

const A: u16 = 1;
const PTR: u16 = 12;
const AAAA: u16 = 28;
const OPT: u16 = 41;
const ANY: u16 = 255;
const INTERNET: u16 = 1;
/// Bytes of an OPT record without options.
const OPT_LEN: usize = 11;

/// What a packet asks.
#[derive(Debug)]
pub(crate) struct Question<'a> {
    /// The labels, each after its length, without the empty one that ends them.
    name: &'a [u8],
    kind: u16,
    class: u16,
    /// Where the question ends in the packet.
    end: usize,
    /// How large an answer may be.
    pub(crate) limit: usize,
    /// The flags of the OPT record, where there is one.
    extended: Option<u16>,
}

/// Why a packet asks nothing.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum NoQuestion {
    /// It is answered with nothing: it is no packet of DNS, or an answer.
    Ignored,
    /// It is answered with a code: see [`refuse`].
    Refused(u8),
}

/// Reads what a packet asks.
pub(crate) fn read(packet: &[u8]) -> Result<Question<'_>, NoQuestion> {
    let flags = word(packet, 2).filter(|_| packet.len() >= HEADER).ok_or(NoQuestion::Ignored)?;
    if flags & RESPONSE != 0 {
        return Err(NoQuestion::Ignored);
    }
    if flags & KIND_OF_QUESTION != 0 {
        return Err(NoQuestion::Refused(NOT_IMPLEMENTED));
    }
    asked(packet).ok_or(NoQuestion::Refused(MALFORMED))
}

fn asked(packet: &[u8]) -> Option<Question<'_>> {
    let [questions, answers, authorities] = [word(packet, 4)?, word(packet, 6)?, word(packet, 8)?];
    if (questions, answers, authorities) != (1, 0, 0) {
        return None;
    }
    let name = labels(packet.get(HEADER..)?)?;
    let after = HEADER.checked_add(name.len())?.checked_add(1)?;
    let (kind, class) = (word(packet, after)?, word(packet, after.checked_add(2)?)?);
    let end = after.checked_add(4)?;
    let mut question = Question { name, kind, class, end, limit: SMALLEST, extended: None };
    let mut at = end;
    for _ in 0..word(packet, 10)? {
        at = skip_name(packet, at)?;
        if word(packet, at)? == OPT {
            let size = usize::from(word(packet, at.checked_add(2)?)?);
            question.limit = size.clamp(SMALLEST, LARGEST);
            question.extended = Some(word(packet, at.checked_add(6)?)?);
        }
        let len = usize::from(word(packet, at.checked_add(8)?)?);
        at = at.checked_add(10)?.checked_add(len).filter(|at| *at <= packet.len())?;
    }
    Some(question)
}

/// The labels that some bytes begin with, without the empty one.
fn labels(bytes: &[u8]) -> Option<&[u8]> {
    let mut at = 0usize;
    loop {
        let len = *bytes.get(at)?;
        if len == 0 {
            return bytes.get(..at);
        }
        at = at.checked_add(usize::from(len))?.checked_add(1)?;
        // More is a pointer, or no label; a whole name has 255 bytes at most.
        if len > 63 || at > 254 {
            return None;
        }
    }
}

/// The place after a name of a record, which may end with a pointer.
fn skip_name(packet: &[u8], mut at: usize) -> Option<usize> {
    loop {
        match *packet.get(at)? {
            0 => return at.checked_add(1),
            len @ 1..=63 => at = at.checked_add(usize::from(len))?.checked_add(1)?,
            0xc0.. => return at.checked_add(2),
            _ => return None,
        }
    }
}

fn word(bytes: &[u8], at: usize) -> Option<u16> {
    match bytes.get(at..at.checked_add(2)?)? {
        [high, low] => Some(u16::from_be_bytes([*high, *low])),
        _ => None,
    }
}

/// The labels of a name.
struct Labels<'a>(&'a [u8]);

impl<'a> Iterator for Labels<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let (len, rest) = self.0.split_first()?;
        let (label, rest) = rest.split_at_checked(usize::from(*len))?;
        self.0 = rest;
        Some(label)
    }
}

/// Whether a name is this text, with or without a dot at its end.
fn is_called(name: &[u8], text: &[u8]) -> bool {
    let text = text.strip_suffix(b".").unwrap_or(text);
    let mut labels = Labels(name);
    text.split(|byte| *byte == b'.')
        .all(|part| labels.next().is_some_and(|label| label.eq_ignore_ascii_case(part)))
        && labels.next().is_none()
}

/// Whether a name stands for this address, as a PTR asks for it: RFC 1035, 3.5, and RFC 3596, 2.5.
fn is_reverse(name: &[u8], address: IpAddr) -> bool {
    let mut labels = Labels(name);
    let mut next_is =
        |value: u8, radix: u32| labels.next().is_some_and(|label| is_number(label, value, radix));
    let (same, zone) = match address {
        IpAddr::V4(four) => {
            (four.octets().iter().rev().all(|part| next_is(*part, 10)), b"in-addr".as_slice())
        }
        IpAddr::V6(six) => {
            let both = |part: &u8| next_is(part & 15, 16) && next_is(part >> 4, 16);
            (six.octets().iter().rev().all(both), b"ip6".as_slice())
        }
    };
    same && [zone, b"arpa"]
        .iter()
        .all(|part| labels.next().is_some_and(|label| label.eq_ignore_ascii_case(part)))
        && labels.next().is_none()
}

/// Whether a label is this number, without zeros before it.
fn is_number(label: &[u8], value: u8, radix: u32) -> bool {
    let plain = label.len() == 1 || label.first() != Some(&b'0');
    let digit = |sum: u32, byte: &u8| sum.checked_mul(radix)?.checked_add(char::from(*byte).to_digit(radix)?);
    plain && !label.is_empty() && label.iter().try_fold(0, digit) == Some(u32::from(value))
}

/// An answer in the making.
pub(crate) struct Answer<'a> {
    question: &'a Question<'a>,
    out: &'a mut [u8],
    len: usize,
    /// What it may have.
    limit: usize,
    count: u16,
    is_known: bool,
    is_cut: bool,
}

impl<'a> Answer<'a> {
    /// Begins one to the question that a packet asks, in room for [`LARGEST`] bytes.
    pub(crate) fn to(packet: &[u8], question: &'a Question<'a>, out: &'a mut [u8]) -> Self {
        let reserved = if question.extended.is_some() { OPT_LEN } else { 0 };
        let limit = question.limit.min(out.len()).saturating_sub(reserved);
        let mut answer = Self { question, out, len: 0, limit, count: 0, is_known: false, is_cut: false };
        answer.put(packet.get(..question.end).unwrap_or_default());
        answer
    }

    /// Whether the name that is asked for was among the lines.
    pub(crate) fn is_known(&self) -> bool {
        self.is_known
    }

    /// Takes from whole lines what answers the question.
    pub(crate) fn look(&mut self, lines: &[u8]) {
        if self.question.class != INTERNET && self.question.class != ANY {
            return;
        }
        for line in lines.split(|byte| *byte == b'\n') {
            let told = line.split(|byte| *byte == b'#').next().unwrap_or_default();
            let mut words = told.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
            let address =
                words.next().and_then(|word| core::str::from_utf8(word).ok()?.parse::<IpAddr>().ok());
            let Some(address) = address else { continue };
            let reverse = is_reverse(self.question.name, address);
            for name in words {
                if reverse {
                    self.is_known = true;
                    self.point_to(name);
                } else if is_called(self.question.name, name) {
                    self.is_known = true;
                    match address {
                        IpAddr::V4(four) => self.record(A, 4, |out| out.put(&four.octets())),
                        IpAddr::V6(six) => self.record(AAAA, 16, |out| out.put(&six.octets())),
                    }
                }
            }
        }
    }

    /// Ends it with a code; how long it is.
    pub(crate) fn finish(mut self, code: u8) -> usize {
        if let Some(flags) = self.question.extended {
            // Without options, and of what this flags only that signatures are understood is repeated.
            let [room_high, room_low] = (SMALLEST as u16).to_be_bytes();
            let [flags_high, _] = flags.to_be_bytes();
            self.put(&[0, 0, OPT as u8, room_high, room_low, 0, 0, flags_high & 0x80, 0, 0, 0]);
        }
        let extra = u8::from(self.question.extended.is_some());
        let [count_high, count_low] = self.count.to_be_bytes();
        let counts = [0, 1, count_high, count_low, 0, 0, 0, extra];
        copy(self.out.get_mut(4..HEADER), &counts);
        answer_flags(self.out, if self.is_cut { CUT } else { 0 }, code);
        self.len
    }

    /// Adds a PTR.
    fn point_to(&mut self, name: &[u8]) {
        let name = name.strip_suffix(b".").unwrap_or(name);
        let is_label = |part: &[u8]| (1..=63).contains(&part.len());
        if name.len() > 253 || !name.split(|byte| *byte == b'.').all(is_label) {
            return;
        }
        self.record(PTR, name.len() + 2, |out| {
            for part in name.split(|byte| *byte == b'.') {
                out.put(&[part.len() as u8]);
                out.put(part);
            }
            out.put(&[0]);
        });
    }

    /// Adds a record where it was asked for and fits.
    fn record(&mut self, kind: u16, len: usize, data: impl FnOnce(&mut Self)) {
        if self.question.kind != kind && self.question.kind != ANY {
            return;
        }
        if self.len.saturating_add(12).saturating_add(len) > self.limit {
            self.is_cut = true;
            return;
        }
        // Its name is that of the question, where it stands in the packet.
        self.put(&[0xc0, HEADER as u8, 0, kind as u8, 0, INTERNET as u8]);
        self.put(&LIFETIME);
        self.put(&(len as u16).to_be_bytes());
        data(self);
        self.count = self.count.saturating_add(1);
    }

    fn put(&mut self, bytes: &[u8]) {
        let end = self.len.saturating_add(bytes.len());
        copy(self.out.get_mut(self.len..end), bytes);
        self.len = end.min(self.out.len());
    }
}

/// Answers a packet that asks nothing with a code; how long the answer is.
pub(crate) fn refuse(packet: &[u8], code: u8, out: &mut [u8]) -> usize {
    copy(out.get_mut(..4), packet.get(..4).unwrap_or_default());
    copy(out.get_mut(4..HEADER), &[0; 8]);
    answer_flags(out, 0, code);
    HEADER
}

/// Whether a packet of a server answers this question, which was sent to it.
pub(crate) fn is_answer(packet: &[u8], sent: &[u8]) -> bool {
    let Ok(question) = read(sent) else { return false };
    let is_response = word(packet, 2).is_some_and(|flags| flags & RESPONSE != 0);
    let same = |from: usize, to: usize| {
        let [one, other] = [packet, sent].map(|bytes| bytes.get(from..to));
        one.zip(other).is_some_and(|(one, other)| one.eq_ignore_ascii_case(other))
    };
    let after = question.end - 4;
    let numbers = |bytes: &[u8]| (id(bytes), word(bytes, 4), word(bytes, after), word(bytes, after + 2));
    is_response && numbers(packet) == numbers(sent) && same(HEADER, after)
}

/// Whether an answer says that this server cannot tell, while another may.
pub(crate) fn is_failure(packet: &[u8]) -> bool {
    packet.get(3).is_some_and(|byte| [FAILED, NOT_IMPLEMENTED, REFUSED].contains(&(byte & 15)))
}

/// Cuts an answer of a server to its question; how long it is then.
pub(crate) fn cut(packet: &mut [u8], sent: &[u8]) -> usize {
    let Ok(Question { end, .. }) = read(sent) else { return 0 };
    if let Some(byte) = packet.get_mut(2) {
        *byte |= (CUT >> 8) as u8;
    }
    copy(packet.get_mut(6..HEADER), &[0; 6]);
    end
}

/// The number by which whoever asks knows the answer.
pub(crate) fn id(packet: &[u8]) -> Option<u16> {
    word(packet, 0)
}

/// Gives a packet another one.
pub(crate) fn set_id(packet: &mut [u8], id: u16) {
    copy(packet.get_mut(..2), &id.to_be_bytes());
}

/// Makes the flags of a question those of its answer.
fn answer_flags(out: &mut [u8], more: u16, code: u8) {
    let flags = word(out, 2).unwrap_or(0) & (REPEATED | KIND_OF_QUESTION);
    let flags = flags | RESPONSE | RECURSION_AVAILABLE | more | u16::from(code);
    copy(out.get_mut(2..4), &flags.to_be_bytes());
}

/// Copies bytes to a place where there is one that is as large.
fn copy(to: Option<&mut [u8]>, from: &[u8]) {
    for (to, from) in to.into_iter().flatten().zip(from) {
        *to = *from;
    }
}
