//! Messages of D-Bus as bytes: <https://dbus.freedesktop.org/doc/dbus-specification.html>, "Message Protocol". Only the
//! types that are spoken here: numbers, strings, and lists of them.

/// A message that is longer is none of those that are waited for.
const LONGEST: usize = 1 << 20;
/// How much of a message says how long it is.
pub(super) const START: usize = 16;
const ENDIAN: u8 = if cfg!(target_endian = "little") { b'l' } else { b'B' };

/// What a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Call,
    Return,
    Error,
    Signal,
    Other,
}

/// What a call asks, and of whom.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Method<'a> {
    pub destination: &'a str,
    pub path: &'a str,
    pub interface: &'a str,
    pub name: &'a str,
}

/// Values one after the other, each at a multiple of its size.
#[derive(Debug, Default)]
pub(crate) struct Writer(Vec<u8>);

impl Writer {
    pub(crate) fn u32(&mut self, value: u32) {
        self.align(4);
        self.0.extend(value.to_ne_bytes());
    }

    pub(crate) fn string(&mut self, text: &str) {
        self.u32(text.len() as u32);
        self.0.extend(text.as_bytes());
        self.0.push(0);
    }

    pub(crate) fn signature(&mut self, text: &str) {
        self.0.push(text.len() as u8);
        self.0.extend(text.as_bytes());
        self.0.push(0);
    }

    /// A structure's first value, and a list's first structure, are at a multiple of eight.
    pub(crate) fn structure(&mut self) {
        self.align(8);
    }

    /// A list, whose values are at multiples of `align`.
    pub(crate) fn list(&mut self, align: usize, values: impl FnOnce(&mut Self)) {
        self.u32(0);
        let length = self.0.len() - 4;
        // Not counted, and there in an empty list, too.
        self.align(align);
        let from = self.0.len();
        values(self);
        let len = (self.0.len() - from) as u32;
        self.0[length..length + 4].copy_from_slice(&len.to_ne_bytes());
    }

    fn align(&mut self, to: usize) {
        self.0.resize(self.0.len().next_multiple_of(to), 0);
    }
}

/// The bytes of a call with what is given along: its types, and its values. Nobody is started that it is for.
pub(crate) fn call(serial: u32, method: Method<'_>, types: &str, body: Writer) -> Vec<u8> {
    const NO_AUTO_START: u8 = 2;
    let mut message = Writer(vec![ENDIAN, 1, NO_AUTO_START, 1]);
    message.u32(body.0.len() as u32);
    message.u32(serial);
    message.list(8, |fields| {
        let texts = [
            (1, "o", method.path),
            (2, "s", method.interface),
            (3, "s", method.name),
            (6, "s", method.destination),
        ];
        for (code, kind, text) in texts {
            fields.structure();
            fields.0.push(code);
            fields.signature(kind);
            fields.string(text);
        }
        if !types.is_empty() {
            fields.structure();
            fields.0.push(8);
            fields.signature("g");
            fields.signature(types);
        }
    });
    message.structure();
    message.0.extend(body.0);
    message.0
}

/// A message that came.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Message {
    pub kind: Kind,
    /// The call that it answers.
    pub answers: u32,
    /// The name of a signal, or of an error.
    pub name: String,
    /// The strings and paths that it brings, in order.
    pub texts: Vec<String>,
}

impl Message {
    /// Whether it says that nobody on the bus has the name that this call was for.
    pub(crate) fn is_about_unknown(&self, call: u32) -> bool {
        const UNKNOWN: [&str; 2] =
            ["org.freedesktop.DBus.Error.NameHasNoOwner", "org.freedesktop.DBus.Error.ServiceUnknown"];
        (self.kind, self.answers) == (Kind::Error, call) && UNKNOWN.contains(&self.name.as_str())
    }
}

/// How long a message is that starts so, or `None` where it is none.
pub(super) fn length(start: &[u8; START]) -> Option<usize> {
    let mut reader = Reader { bytes: start, at: 4 };
    let (body, _serial, fields) = (reader.u32()? as usize, reader.u32()?, reader.u32()? as usize);
    let sane = start[0] == ENDIAN && start[3] == 1 && body <= LONGEST && fields <= LONGEST;
    sane.then(|| START + fields.next_multiple_of(8) + body)
}

/// Reads a message, or `None` where it is none.
pub(super) fn read(bytes: &[u8]) -> Option<Message> {
    let kind = match bytes.get(1)? {
        1 => Kind::Call,
        2 => Kind::Return,
        3 => Kind::Error,
        4 => Kind::Signal,
        _ => Kind::Other,
    };
    let mut reader = Reader { bytes, at: 12 };
    let end = START + reader.u32()? as usize;
    let (mut answers, mut name, mut types) = (0, String::new(), String::new());
    while reader.at < end {
        reader.align(8);
        let code = reader.byte()?;
        match (code, reader.signature()?.as_str()) {
            (3 | 4, "s") => name = reader.string()?,
            (5, "u") => answers = reader.u32()?,
            (8, "g") => types = reader.signature()?,
            (_, "s" | "o") => drop(reader.string()?),
            (_, "u") => drop(reader.u32()?),
            (_, "g") => drop(reader.signature()?),
            _ => return None,
        }
    }
    reader.align(8);
    let mut texts = Vec::new();
    // What comes after something else is not looked for.
    for kind in types.chars().take_while(|kind| "uso".contains(*kind)) {
        match kind {
            'u' => drop(reader.u32()?),
            _ => texts.push(reader.string()?),
        }
    }
    Some(Message { kind, answers, name, texts })
}

/// Reads what [`Writer`] writes; `None` where it is not there.
struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn take(&mut self, len: usize) -> Option<&[u8]> {
        let taken = self.bytes.get(self.at..self.at.checked_add(len)?)?;
        self.at += len;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1).map(|taken| taken[0])
    }

    fn u32(&mut self) -> Option<u32> {
        self.align(4);
        self.take(4)?.try_into().ok().map(u32::from_ne_bytes)
    }

    fn string(&mut self) -> Option<String> {
        let len = self.u32()?;
        self.text(len as usize)
    }

    fn signature(&mut self) -> Option<String> {
        let len = self.byte()?;
        self.text(len.into())
    }

    /// Some bytes, and the zero after them.
    fn text(&mut self, len: usize) -> Option<String> {
        let text = self.take(len.checked_add(1)?)?.strip_suffix(&[0])?;
        String::from_utf8(text.to_vec()).ok()
    }

    fn align(&mut self, to: usize) {
        self.at = self.at.next_multiple_of(to);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const METHOD: Method<'_> = Method {
        destination: "org.example",
        path: "/org/example",
        interface: "org.example.Thing",
        name: "Do",
    };

    fn start(bytes: &[u8]) -> &[u8; START] {
        bytes.first_chunk().expect("a start")
    }

    #[test]
    fn a_call_is_as_long_as_it_says_and_is_read_again() {
        let mut body = Writer::default();
        body.string("first");
        body.u32(7);
        body.string("second");
        body.list(8, |_| {});
        let bytes = call(3, METHOD, "susa(sv)", body);
        assert_eq!(length(start(&bytes)), Some(bytes.len()));
        let message = read(&bytes).expect("a message");
        let texts = vec!["first".to_string(), "second".to_string()];
        assert_eq!(message, Message { kind: Kind::Call, answers: 0, name: "Do".into(), texts });
    }

    #[test]
    #[cfg(target_endian = "little")]
    fn a_call_has_the_bytes_of_the_specification() {
        let method = Method { destination: "a.b", path: "/c", interface: "d.e", name: "F" };
        let mut body = Writer::default();
        body.u32(0x0102_0304);
        let bytes = call(9, method, "u", body);
        let expected = [
            b"l\x01\x02\x01\x04\0\0\0\x09\0\0\0\x47\0\0\0".as_slice(),
            b"\x01\x01o\0\x02\0\0\0/c\0\0\0\0\0\0",
            b"\x02\x01s\0\x03\0\0\0d.e\0\0\0\0\0",
            b"\x03\x01s\0\x01\0\0\0F\0\0\0\0\0\0\0",
            b"\x06\x01s\0\x03\0\0\0a.b\0\0\0\0\0",
            b"\x08\x01g\0\x01u\0\0",
            b"\x04\x03\x02\x01",
        ];
        assert_eq!(bytes, expected.concat());
    }

    #[test]
    fn no_bytes_make_it_fail() {
        let mut body = Writer::default();
        body.string("text");
        let bytes = call(1, METHOD, "s", body);
        for len in 0..bytes.len() {
            assert_eq!(read(&bytes[..len]), None, "{len} bytes");
        }
        for at in 0..bytes.len() {
            for value in [0, 1, 0x7f, 0xff] {
                let mut wrong = bytes.clone();
                wrong[at] = value;
                let _ = (read(&wrong), length(start(&wrong)));
            }
        }
    }

    #[test]
    fn what_is_too_long_is_no_message() {
        let mut bytes = call(1, METHOD, "", Writer::default());
        bytes[4..8].copy_from_slice(&u32::MAX.to_ne_bytes());
        assert_eq!(length(start(&bytes)), None);
    }
}
