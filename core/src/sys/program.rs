//! A prepared list of system calls, in memory that a child can use without asking anyone for more.

use super::step::RawStep;

/// A prepared list of calls with its data; [`super::walk`] performs it.
#[derive(Debug)]
pub(crate) struct Program {
    words: Vec<u64>,
    /// The words that are places in the data, and become addresses.
    pointers: Vec<usize>,
    pub steps: Vec<RawStep>,
}

impl Program {
    pub fn with_capacity(steps: usize) -> Self {
        Self { words: Vec::with_capacity(steps * 8), pointers: Vec::new(), steps: Vec::with_capacity(steps) }
    }

    /// Copies bytes into the data, aligned to eight, and returns where they are.
    pub fn bytes(&mut self, bytes: &[u8]) -> usize {
        let start = self.words.len();
        self.words.resize(start + bytes.len().div_ceil(8), 0);
        for (word, chunk) in self.words[start..].iter_mut().zip(bytes.chunks(8)) {
            let mut whole = [0; 8];
            whole[..chunk.len()].copy_from_slice(chunk);
            *word = u64::from_ne_bytes(whole);
        }
        start * 8
    }

    /// Copies a string with its closing NUL.
    pub fn text(&mut self, text: &str) -> usize {
        let start = self.words.len();
        // One word more than the text fills, so that a NUL always follows.
        self.words.resize(start + text.len() / 8 + 1, 0);
        for (word, chunk) in self.words[start..].iter_mut().zip(text.as_bytes().chunks(8)) {
            let mut whole = [0; 8];
            whole[..chunk.len()].copy_from_slice(chunk);
            *word = u64::from_ne_bytes(whole);
        }
        start * 8
    }

    /// Reserves zeroed space.
    pub fn space(&mut self, len: usize) -> usize {
        let start = self.words.len();
        self.words.resize(start + len.div_ceil(8), 0);
        start * 8
    }

    /// Writes bytes over the data at a place.
    pub fn overwrite(&mut self, at: usize, bytes: &[u8]) {
        for (word, chunk) in self.words[at / 8..].iter_mut().zip(bytes.chunks(8)) {
            let mut whole = word.to_ne_bytes();
            whole[..chunk.len()].copy_from_slice(chunk);
            *word = u64::from_ne_bytes(whole);
        }
    }

    /// A NULL-terminated array of addresses of strings (argv, envp).
    pub fn strings(&mut self, strings: &[String]) -> usize {
        let places: Vec<usize> = strings.iter().map(|s| self.text(s)).collect();
        let array = self.words.len();
        for place in places {
            self.pointer(place);
        }
        self.words.push(0);
        array * 8
    }

    /// Adds a word that is the address of a place in the data.
    pub fn pointer(&mut self, place: usize) -> usize {
        let at = self.words.len();
        self.pointers.push(at);
        self.words.push(place as u64);
        at * 8
    }

    /// Reads back bytes that a call wrote.
    pub fn read(&self, at: usize, len: usize) -> Vec<u8> {
        self.words[at / 8..].iter().flat_map(|w| w.to_ne_bytes()).take(len).collect()
    }

    /// Ends the preparing: turns places inside the data into addresses, after which nothing may grow.
    pub fn seal(&mut self) -> *mut u8 {
        let base = self.words.as_mut_ptr().cast::<u8>();
        for word in self.pointers.drain(..) {
            self.words[word] = self.words[word].wrapping_add(base as u64);
        }
        base
    }

    /// The data as it is before it has an address.
    pub fn words(&self) -> &[u64] {
        &self.words
    }

    /// Which of its words become addresses.
    pub fn pointers(&self) -> &[usize] {
        &self.pointers
    }
}
