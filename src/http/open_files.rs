//! Recognises a shortage of open files in an error. Each connection is an open file.

use std::error::Error;
use std::io;

/// Whether the operating system refused to open one more file, for this process or for the whole machine.
pub(super) fn is_shortage(error: &(dyn Error + 'static)) -> bool {
    error
        .downcast_ref::<io::Error>()
        .and_then(io::Error::raw_os_error)
        .is_some_and(is_code_of_shortage)
}

#[cfg(unix)]
fn is_code_of_shortage(code: i32) -> bool {
    use nix::errno::Errno;

    matches!(Errno::from_raw(code), Errno::EMFILE | Errno::ENFILE)
}

/// Windows Sockets reports a shortage as `WSAEMFILE`.
#[cfg(windows)]
fn is_code_of_shortage(code: i32) -> bool {
    code == 10_024
}

#[cfg(all(test, unix))]
mod tests {
    use nix::errno::Errno;

    use super::*;

    #[test]
    fn a_shortage_of_the_process_and_of_the_machine_are_recognised() {
        let is_shortage = |code: Errno| is_shortage(&io::Error::from(code));
        assert!(is_shortage(Errno::EMFILE) && is_shortage(Errno::ENFILE));
        assert!(!is_shortage(Errno::ECONNREFUSED));
        assert!(!super::is_shortage(&io::Error::other(
            "too many open files"
        )));
    }
}
