//! Drag and drop of files onto the window: the source side of the XDND protocol.

use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use x11rb::connection::Connection as _;
use x11rb::protocol::Event;
use x11rb::protocol::xproto::{
    ConnectionExt as _, CreateWindowAux, EventMask, PropMode, SELECTION_NOTIFY_EVENT, SelectionNotifyEvent,
    SelectionRequestEvent, Window, WindowClass,
};
use x11rb::wrapper::ConnectionExt as _;

use super::robot::Robot;

/// The protocol's version.
const VERSION: u32 = 5;
/// Timeout of the window's answers.
const TIMEOUT: Duration = Duration::from_secs(20);

/// A file being dragged over the window.
pub struct Carried {
    source: Window,
    uri: String,
}

/// A path as a `file://` URI.
fn uri(path: &Path) -> String {
    let mut uri = String::from("file://");
    for byte in path.as_os_str().as_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'_' | b'.' | b'~' => uri.push(char::from(*byte)),
            other => uri.push_str(&format!("%{other:02X}")),
        }
    }
    uri + "\r\n"
}

impl Robot {
    /// Drags a file over the middle of the window, and checks that it accepts.
    pub fn carry(&mut self, path: &Path) -> Carried {
        let source = self.conn.generate_id().unwrap();
        let options = CreateWindowAux::new();
        self.conn
            .create_window(0, source, self.root, 0, 0, 1, 1, 0, WindowClass::INPUT_ONLY, 0, &options)
            .unwrap()
            .check()
            .unwrap();
        let (selection, list) = (self.atom("XdndSelection"), self.atom("text/uri-list"));
        self.conn.set_selection_owner(source, selection, x11rb::CURRENT_TIME).unwrap().check().unwrap();
        let carried = Carried { source, uri: uri(path) };
        self.send_message("XdndEnter", [source, VERSION << 24, list, 0, 0]);
        let size = self.conn.get_geometry(self.window).unwrap().reply().unwrap();
        let (x, y) = (u32::from(size.width) / 2, u32::from(size.height) / 2);
        let copy = self.atom("XdndActionCopy");
        self.send_message("XdndPosition", [source, 0, x << 16 | y, x11rb::CURRENT_TIME, copy]);
        let status = self.answers(&carried, "XdndStatus", true);
        assert_eq!(status[1] & 1, 1, "the window accepts files");
        carried
    }

    /// Drops the file, and waits until the window has received it.
    pub fn let_go(&mut self, carried: Carried) {
        self.send_message("XdndDrop", [carried.source, 0, x11rb::CURRENT_TIME, 0, 0]);
        let finished = self.answers(&carried, "XdndFinished", false);
        assert_eq!(finished[1] & 1, 1, "the window took the file");
        self.conn.destroy_window(carried.source).unwrap().check().unwrap();
    }

    /// Waits for a message of the window. Sends the path when the window requests it, which it must do first where `asks` is set.
    fn answers(&self, carried: &Carried, message: &str, mut asks: bool) -> [u32; 5] {
        let wanted = self.atom(message);
        let mut answer = None;
        let begun = Instant::now();
        while begun.elapsed() < TIMEOUT {
            match self.conn.poll_for_event().unwrap() {
                Some(Event::SelectionRequest(request)) => {
                    self.hand_out(carried, &request);
                    asks = false;
                }
                Some(Event::ClientMessage(event)) if event.type_ == wanted => answer = Some(event.data.as_data32()),
                Some(_) => {}
                None => sleep(Duration::from_millis(5)),
            }
            if let (Some(answer), false) = (answer, asks) {
                return answer;
            }
        }
        panic!("the window does not answer with {message}, or does not ask for the path: {asks}");
    }

    fn hand_out(&self, carried: &Carried, request: &SelectionRequestEvent) {
        let (window, property) = (request.requestor, request.property);
        self.conn
            .change_property8(PropMode::REPLACE, window, property, request.target, carried.uri.as_bytes())
            .unwrap()
            .check()
            .unwrap();
        let event = SelectionNotifyEvent {
            response_type: SELECTION_NOTIFY_EVENT,
            sequence: 0,
            time: request.time,
            requestor: window,
            selection: request.selection,
            target: request.target,
            property,
        };
        self.conn.send_event(false, window, EventMask::NO_EVENT, event).unwrap().check().unwrap();
    }
}
