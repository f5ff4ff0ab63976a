//! A virtual display: Xvfb, and lavapipe as a software graphics driver.

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

/// A running Xvfb, which is killed on drop.
pub struct Display {
    server: Child,
    /// The value for `DISPLAY`.
    pub name: String,
}

/// The driver's manifest, where lavapipe is installed.
pub fn lavapipe() -> Option<PathBuf> {
    ["/usr/share/vulkan/icd.d", "/usr/local/share/vulkan/icd.d", "/etc/vulkan/icd.d"]
        .iter()
        .filter_map(|folder| std::fs::read_dir(folder).ok())
        .flat_map(|entries| entries.flatten().map(|e| e.path()))
        .find(|path| path.file_name().and_then(|n| n.to_str()).is_some_and(|n| n.starts_with("lvp_icd")))
}

/// Why the test cannot run here; none where it can.
pub fn missing() -> Option<&'static str> {
    if std::env::var("WHENCE_WINDOW_TEST").as_deref() != Ok("1") {
        return Some("WHENCE_WINDOW_TEST is not 1");
    }
    let on_path = |folders: std::ffi::OsString| std::env::split_paths(&folders).any(|f| f.join("Xvfb").is_file());
    // A requested test must not pass silently without running.
    assert!(std::env::var_os("PATH").is_some_and(on_path), "Xvfb is not installed");
    assert!(lavapipe().is_some(), "lavapipe, Mesa's Vulkan driver for the processor, is not installed");
    None
}

impl Display {
    /// Starts a server on an unused display.
    pub fn open() -> Self {
        let mut server = Command::new("Xvfb")
            .args(["-displayfd", "1", "-screen", "0", "1600x1000x24", "-nolisten", "tcp", "-noreset"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("Xvfb starts");
        let output = server.stdout.take().unwrap();
        let (sender, number) = mpsc::channel();
        let read = move || {
            let mut line = String::new();
            let read = BufReader::new(output).read_line(&mut line);
            // The receiver is gone after the timeout.
            let _ = sender.send(read.map(|_| line));
        };
        std::thread::Builder::new().name("display-number".into()).spawn(read).unwrap();
        let number = number.recv_timeout(Duration::from_secs(30));
        let mut display = Self { server, name: String::new() };
        let line = number.expect("Xvfb answers within 30 s").expect("Xvfb reports its display number");
        assert!(!line.trim().is_empty(), "Xvfb ended: {:?}", display.server.try_wait());
        display.name = format!(":{}", line.trim());
        display
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}
