//! What the resolver makes of packets, whoever sent them: the very file that init is built with.

#[path = "../init/names.rs"]
mod names;

use names::{Answer, FAILED, FINE, LARGEST, NoQuestion};

const A: u16 = 1;
const PTR: u16 = 12;
const MX: u16 = 15;
const AAAA: u16 = 28;
const ANY: u16 = 255;

const HOSTS: &str = "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost\n10.16.8.1\tgateway.lab\n10.16.8.2\tweb\t#mark-1-2\n\
    10.16.8.3\tweb\t#mark-1-3\nfd00::2\tweb\t#mark-1-2\n#0.16.8.4\tgone\n10.16.8.5\tdotted.\nnonsense web\n10.16.8.6";

/// A name as labels.
fn wire(name: &str) -> Vec<u8> {
    let labels = name.split('.').filter(|label| !label.is_empty());
    let mut bytes: Vec<u8> =
        labels.flat_map(|label| [&[label.len() as u8], label.as_bytes()].concat()).collect();
    bytes.push(0);
    bytes
}

/// A packet: flags, how many of each kind of record, and the records.
fn packet(flags: u16, counts: [u16; 4], parts: &[&[u8]]) -> Vec<u8> {
    let mut bytes = vec![0x12, 0x34];
    bytes.extend([flags, counts[0], counts[1], counts[2], counts[3]].into_iter().flat_map(u16::to_be_bytes));
    bytes.extend(parts.concat());
    bytes
}

fn asking(name: &[u8], kind: u16) -> Vec<u8> {
    packet(0x0100, [1, 0, 0, 0], &[name, &kind.to_be_bytes(), &[0, 1]])
}

/// The same with an OPT record: how large the answer may be, and that signatures are understood.
fn extended(name: &[u8], kind: u16, size: u16) -> Vec<u8> {
    let mut bytes = asking(name, kind);
    bytes[11] = 1;
    bytes.extend([&[0, 0, 41][..], &size.to_be_bytes(), &[0, 0, 0x80, 0, 0, 0]].concat());
    bytes
}

/// The answer from some lines: none where the name is not among them.
fn answer(packet: &[u8], hosts: &str) -> Option<Vec<u8>> {
    let question = names::read(packet).expect("a question");
    let mut out = [0; LARGEST];
    let mut answer = Answer::to(packet, &question, &mut out);
    answer.look(hosts.as_bytes());
    let is_known = answer.is_known();
    let len = answer.finish(if is_known { FINE } else { FAILED });
    assert!(len <= question.limit, "{len}");
    is_known.then(|| out[..len].to_vec())
}

/// What an answer holds: the code, and the data of each record.
fn records(answer: &[u8], asked: &[u8]) -> (u8, Vec<Vec<u8>>) {
    assert_eq!((&answer[..2], answer[2] & 0x80, answer[3] & 0x80), (&asked[..2], 0x80, 0x80));
    let mut at = 12 + wire_len(&asked[12..]) + 4;
    assert_eq!(answer[12..at], asked[12..at]);
    let count = u16::from_be_bytes([answer[6], answer[7]]);
    let mut all = Vec::new();
    for _ in 0..count {
        assert_eq!((&answer[at..at + 2], &answer[at + 4..at + 6]), (&[0xc0, 12][..], &[0, 1][..]));
        let len = usize::from(u16::from_be_bytes([answer[at + 10], answer[at + 11]]));
        all.push(answer[at + 12..at + 12 + len].to_vec());
        at += 12 + len;
    }
    assert_eq!(answer.len(), at + 11 * usize::from(answer[11]));
    (answer[3] & 15, all)
}

fn wire_len(bytes: &[u8]) -> usize {
    let mut at = 0;
    while bytes[at] != 0 {
        at += 1 + usize::from(bytes[at]);
    }
    at + 1
}

fn told(name: &str, kind: u16) -> Option<Vec<Vec<u8>>> {
    let asked = asking(&wire(name), kind);
    answer(&asked, HOSTS).map(|answer| {
        let (code, records) = records(&answer, &asked);
        assert_eq!(code, FINE);
        records
    })
}

#[test]
fn a_name_has_its_addresses() {
    assert_eq!(told("web", A), Some(vec![vec![10, 16, 8, 2], vec![10, 16, 8, 3]]));
    let six = [&[0xfd][..], &[0; 14], &[2]].concat();
    assert_eq!(told("WeB", AAAA), Some(vec![six.clone()]));
    assert_eq!(told("web", ANY).map(|all| all.len()), Some(3));
    assert_eq!(told("gateway.LAB", A), Some(vec![vec![10, 16, 8, 1]]));
    assert_eq!(told("dotted", A), Some(vec![vec![10, 16, 8, 5]]));
    assert_eq!(told("ip6-localhost", AAAA).map(|all| all.len()), Some(1));
}

#[test]
fn a_name_without_such_a_record_is_there() {
    assert_eq!(told("web", MX), Some(vec![]));
    assert_eq!(told("gateway.lab", AAAA), Some(vec![]));
}

#[test]
fn other_names_are_not_known() {
    for name in
        ["", "we", "webs", "gateway", "lab", "a.gateway.lab", "gateway.lab.x", "gone", "mark-1-2", "nonsense"]
    {
        assert_eq!(told(name, A), None, "{name}");
    }
    // One label with a dot in it is not two.
    assert_eq!(answer(&asking(b"\x0bgateway.lab\0", A), HOSTS), None);
    let mut chaos = asking(&wire("web"), A);
    *chaos.last_mut().expect("a class") = 3;
    assert_eq!(answer(&chaos, HOSTS), None);
}

#[test]
fn an_address_has_its_names() {
    assert_eq!(told("2.8.16.10.in-addr.arpa", PTR), Some(vec![wire("web")]));
    assert_eq!(told("1.8.16.10.IN-ADDR.arpa", PTR), Some(vec![wire("gateway.lab")]));
    assert_eq!(told("1.0.0.127.in-addr.arpa", PTR), Some(vec![wire("localhost")]));
    let six = format!("2.{}0.0.d.f.ip6.arpa", "0.".repeat(27));
    assert_eq!(told(&six, PTR), Some(vec![wire("web")]));
    assert_eq!(told(&six.to_uppercase(), PTR), Some(vec![wire("web")]));
    assert_eq!(told("2.8.16.10.in-addr.arpa", A), Some(vec![]));
    for name in [
        "02.8.16.10.in-addr.arpa",
        "+2.8.16.10.in-addr.arpa",
        "258.8.16.10.in-addr.arpa",
        "8.16.10.in-addr.arpa",
        "0.2.8.16.10.in-addr.arpa",
        "2.8.16.10.in-addr",
        "2.8.16.10.ip6.arpa",
        "4.8.16.10.in-addr.arpa",
    ] {
        assert_eq!(told(name, PTR), None, "{name}");
    }
    // What cannot be a name on the wire is left out.
    let asked = asking(&wire("9.9.9.9.in-addr.arpa"), PTR);
    let long = format!("9.9.9.9 {} a..b {} ok", "x".repeat(64), "y.".repeat(130));
    assert_eq!(records(&answer(&asked, &long).expect("known"), &asked).1, [wire("ok")]);
}

#[test]
fn an_extended_question_gets_an_extended_answer() {
    let asked = extended(&wire("web"), A, 1232);
    let said = answer(&asked, HOSTS).expect("known");
    assert_eq!(records(&said, &asked).1.len(), 2);
    assert_eq!(said[said.len() - 11..], [0, 0, 41, 2, 0, 0, 0, 0x80, 0, 0, 0]);
}

#[test]
fn what_does_not_fit_is_cut_and_said_to_be() {
    let many: String = (0..200).map(|n| format!("10.0.0.{n} all\n")).collect();
    let few = "10.0.0.1 all\n";
    for (asked, room, fits) in [
        (asking(&wire("all"), A), 512, false),
        (extended(&wire("all"), A, 0), 512, false),
        (extended(&wire("all"), A, 1232), 1232, false),
        (extended(&wire("all"), A, 65535), 4096, true),
    ] {
        let said = answer(&asked, &many).expect("known");
        let is_cut = said[2] & 2 != 0;
        assert_eq!((is_cut, said.len() <= room, said.len() + 16 > room), (!fits, true, !fits), "{room}");
        let count = records(&said, &asked).1.len();
        assert_eq!(count == 200, fits, "{room}: {count}");
        assert_eq!(answer(&asked, few).expect("known")[2] & 2, 0);
    }
}

#[test]
fn what_asks_nothing_is_refused_or_ignored() {
    let web = [&wire("web")[..], &[0, 1, 0, 1]].concat();
    let refused = |packet: &[u8]| match names::read(packet) {
        Err(NoQuestion::Refused(code)) => {
            let mut out = [0xff; LARGEST];
            assert_eq!(names::refuse(packet, code, &mut out), 12);
            assert_eq!(
                (&out[..2], out[2] & 0xfa, out[3], &out[4..12]),
                (&packet[..2], 0x80 | packet[2] & 0x78, 0x80 | code, &[0; 8][..])
            );
            Some(code)
        }
        Err(NoQuestion::Ignored) => None,
        Ok(question) => panic!("{question:?}"),
    };
    // Too short, and answers: a reply to those could be asked for again.
    for len in 0..12 {
        assert_eq!(refused(&packet(0, [1, 0, 0, 0], &[&web])[..len]), None);
    }
    assert_eq!(refused(&packet(0x8000, [1, 0, 0, 0], &[&web])), None);
    // Other kinds of questions; more or fewer than one; with answers.
    assert_eq!(refused(&packet(0x2800, [1, 0, 0, 0], &[&web])), Some(4));
    for counts in [[0, 0, 0, 0], [2, 0, 0, 0], [65535, 0, 0, 0], [1, 1, 0, 0], [1, 0, 1, 0], [1, 0, 0, 1]] {
        assert_eq!(refused(&packet(0, counts, &[&web])), Some(1), "{counts:?}");
    }
    // Names that end nowhere, that point to themselves, that are too long, or whose labels are.
    let long = [b"\x3f".to_vec(), vec![b'x'; 63]].concat().repeat(4);
    for name in
        [&b"\x03we"[..], b"\xc0\x0c", b"\x03web\xc0\x0c", b"\x40web\0", b"\x80", &[&long[..], &[0]].concat()]
    {
        assert_eq!(refused(&packet(0, [1, 0, 0, 0], &[name, &[0, 1, 0, 1]])), Some(1), "{name:?}");
    }
    for len in 12..packet(0, [1, 0, 0, 0], &[&web]).len() {
        assert_eq!(refused(&packet(0, [1, 0, 0, 0], &[&web])[..len]), Some(1), "{len}");
    }
    // A record after the question that is longer than the packet.
    assert_eq!(refused(&packet(0, [1, 0, 0, 1], &[&web, &[0, 0, 41, 4, 0, 0, 0, 0, 0, 0, 1]])), Some(1));
}

#[test]
fn a_servers_answer_is_one_to_the_question_that_was_sent() {
    let sent = extended(&wire("example.org"), A, 1232);
    let answer = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = sent.clone();
        bytes[2] |= 0x80;
        change(&mut bytes);
        bytes
    };
    assert!(names::is_answer(&answer(&|_| ()), &sent));
    assert!(names::is_answer(&answer(&|bytes| bytes[13] = b'E'), &sent), "some servers change the case");
    for wrong in [
        answer(&|bytes| bytes[2] &= 0x7f),
        answer(&|bytes| bytes[0] ^= 1),
        answer(&|bytes| bytes[1] ^= 0x80),
        answer(&|bytes| bytes[5] = 2),
        answer(&|bytes| bytes[5] = 0),
        answer(&|bytes| bytes[13] ^= 1),
        answer(&|bytes| bytes[26] ^= 0x20),
        answer(&|bytes| bytes[28] = 3),
        answer(&|bytes| bytes.truncate(28)),
        answer(&|bytes| bytes.truncate(3)),
    ] {
        assert!(!names::is_answer(&wrong, &sent), "{wrong:?}");
    }
    let codes = (0..16).filter(|code| names::is_failure(&answer(&|bytes| bytes[3] = 0x80 | *code)));
    assert_eq!(codes.collect::<Vec<u8>>(), [2, 4, 5]);
    let mut large = answer(&|bytes| bytes[7] = 9);
    let len = names::cut(&mut large, &sent);
    assert_eq!((len, large[2] & 0x82, &large[4..12]), (29, 0x82, &[0, 1, 0, 0, 0, 0, 0, 0][..]));
    names::set_id(&mut large, 0xbeef);
    assert_eq!((names::id(&large), names::id(&[1])), (Some(0xbeef), None));
}

/// Xorshift: the same packets in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit as u64) as usize
    }
}

#[test]
fn no_packet_does_harm() {
    let mut random = Random(0x2545_f491_4f6c_dd1d);
    let seeds = [
        asking(&wire("web"), A),
        extended(&wire("gateway.lab"), ANY, 4096),
        asking(&wire("2.8.16.10.in-addr.arpa"), PTR),
        asking(&wire(&format!("2.{}0.0.d.f.ip6.arpa", "0.".repeat(27))), PTR),
        extended(&wire(&"x.".repeat(120)), AAAA, 0),
    ];
    let (mut questions, mut known) = (0, 0);
    for n in 0..200_000 {
        let mut bytes = seeds[n % seeds.len()].clone();
        if n % 7 == 0 {
            bytes = (0..random.below(600)).map(|_| random.below(256) as u8).collect();
        }
        for _ in 0..random.below(4) {
            let at = random.below(bytes.len().max(1));
            let byte = [0, 0xc0, 0x0c, 0x3f, 0xff, random.below(256) as u8][random.below(6)];
            match random.below(4) {
                0 => bytes.truncate(at),
                1 => bytes.insert(at, byte),
                _ => bytes.get_mut(at).into_iter().for_each(|place| *place = byte),
            }
        }
        let mut out = [0; LARGEST];
        match names::read(&bytes) {
            Err(NoQuestion::Ignored) => {}
            Err(NoQuestion::Refused(code)) => assert!(names::refuse(&bytes, code, &mut out) <= bytes.len()),
            Ok(question) => {
                questions += 1;
                let mut answer = Answer::to(&bytes, &question, &mut out);
                // Lines are what others are called: nothing of them is trusted either.
                let from = random.below(HOSTS.len());
                answer.look(&HOSTS.as_bytes()[from..]);
                answer.look(&bytes);
                answer.look(HOSTS.as_bytes());
                known += usize::from(answer.is_known());
                let len = answer.finish(FINE);
                assert!(len <= question.limit && out[..2] == bytes[..2] && out[2] & 0x80 != 0, "{bytes:?}");
                // An answer is no question: two of these never talk to each other.
                assert_eq!(names::read(&out[..len]).err(), Some(NoQuestion::Ignored));
            }
        }
        let sent = &seeds[random.below(seeds.len())];
        names::is_answer(&bytes, sent);
        names::is_failure(&bytes);
        assert!(names::cut(&mut bytes, sent) <= sent.len());
        names::set_id(&mut bytes, 7);
    }
    assert!(questions > 50_000 && known > 20_000, "{questions} {known}");
}
