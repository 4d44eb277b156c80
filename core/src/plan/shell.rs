//! A plan as the shell commands that people know.

use super::step::{Plan, Shell};

impl Plan {
    /// stub
    #[must_use]
    pub fn to_shell(&self) -> String {
        let _ = Shell::None;
        String::new()
    }
}
