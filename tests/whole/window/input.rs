//! Mouse and keys, through the XTEST extension.

use std::io::IoSlice;
use std::thread::sleep;
use std::time::Duration;

use x11rb::connection::{Connection as _, RequestConnection as _};
use x11rb::protocol::xproto::{
    BUTTON_PRESS_EVENT, BUTTON_RELEASE_EVENT, ConnectionExt as _, KEY_PRESS_EVENT, KEY_RELEASE_EVENT,
    MOTION_NOTIFY_EVENT,
};
use x11rb::rust_connection::RustConnection;

use super::robot::Robot;

/// Key symbols, as in X11's `keysymdef.h`. Those of letters and signs are their numbers in Latin-1.
pub const TAB: u32 = 0xff09;
pub const RETURN: u32 = 0xff0d;
pub const ESCAPE: u32 = 0xff1b;
pub const DOWN: u32 = 0xff54;
pub const PAGE_UP: u32 = 0xff55;
pub const PAGE_DOWN: u32 = 0xff56;
pub const SHIFT: u32 = 0xffe1;
pub const CONTROL: u32 = 0xffe3;

/// Time between press and release.
const HOLD: Duration = Duration::from_millis(20);
/// Opcode of the request that creates an input event.
const FAKE_INPUT: u8 = 2;

/// The keyboard mapping, and the opcode of the extension.
pub struct Input {
    extension: u8,
    first: u8,
    per_key: usize,
    symbols: Vec<u32>,
}

impl Input {
    /// Queries the server.
    pub fn new(conn: &RustConnection) -> Self {
        let extension = conn.query_extension(b"XTEST").unwrap().reply().unwrap();
        assert!(extension.present, "Xvfb has the extension for tests");
        let (first, last) = (conn.setup().min_keycode, conn.setup().max_keycode);
        let map = conn.get_keyboard_mapping(first, last - first + 1).unwrap().reply().unwrap();
        let per_key = usize::from(map.keysyms_per_keycode);
        Self { extension: extension.major_opcode, first, per_key, symbols: map.keysyms }
    }

    /// The key of a symbol, and whether it needs Shift.
    fn key(&self, symbol: u32) -> (u8, bool) {
        let mut keys = self.symbols.chunks(self.per_key);
        let plain = |keys: &mut std::slice::Chunks<'_, u32>, column: usize| {
            keys.position(|k| k.get(column) == Some(&symbol)).map(|i| (self.first + i as u8, column == 1))
        };
        plain(&mut keys, 0)
            .or_else(|| plain(&mut self.symbols.chunks(self.per_key), 1))
            .unwrap_or_else(|| panic!("no key gives {symbol:#x}"))
    }
}

impl Robot {
    fn fake(&self, kind: u8, detail: u8, x: i16, y: i16) {
        let mut request = [0u8; 36];
        request[0] = self.input.extension;
        request[1] = FAKE_INPUT;
        request[2..4].copy_from_slice(&9u16.to_ne_bytes());
        request[4] = kind;
        request[5] = detail;
        request[12..16].copy_from_slice(&self.root.to_ne_bytes());
        request[24..26].copy_from_slice(&x.to_ne_bytes());
        request[26..28].copy_from_slice(&y.to_ne_bytes());
        let sent = self.conn.send_request_without_reply(&[IoSlice::new(&request)], Vec::new()).unwrap();
        sent.check().expect("the server takes input");
    }

    /// Moves the pointer within the window, and waits for the event.
    pub fn point(&mut self, (x, y): (i16, i16)) {
        let at = self.conn.translate_coordinates(self.window, self.root, x, y).unwrap().reply().unwrap();
        self.fake(MOTION_NOTIFY_EVENT, 0, at.dst_x, at.dst_y);
        sleep(HOLD);
    }

    fn button(&self, button: u8) {
        self.fake(BUTTON_PRESS_EVENT, button, 0, 0);
        sleep(HOLD);
        self.fake(BUTTON_RELEASE_EVENT, button, 0, 0);
    }

    /// Clicks the first button at this position.
    pub fn click(&mut self, at: (i16, i16)) {
        self.point(at);
        self.settled();
        self.button(1);
    }

    /// Drags with the first button from one position to another.
    pub fn drag(&mut self, from: (i16, i16), to: (i16, i16)) {
        self.point(from);
        self.settled();
        self.fake(BUTTON_PRESS_EVENT, 1, 0, 0);
        // Waits for a frame with the button down, or the press would be attributed to the end position.
        self.settled();
        for step in 1..=8 {
            let between = |a: i16, b: i16| a + (b - a) / 8 * step;
            self.point((between(from.0, to.0), between(from.1, to.1)));
        }
        self.point(to);
        self.settled();
        self.fake(BUTTON_RELEASE_EVENT, 1, 0, 0);
    }

    /// Presses keys one after another and lets them go in the other order.
    pub fn press(&self, symbols: &[u32]) {
        let keys: Vec<u8> = symbols.iter().map(|s| self.input.key(*s).0).collect();
        for key in &keys {
            self.fake(KEY_PRESS_EVENT, *key, 0, 0);
        }
        sleep(HOLD);
        for key in keys.iter().rev() {
            self.fake(KEY_RELEASE_EVENT, *key, 0, 0);
        }
    }

    /// Types a text of Latin-1.
    pub fn enter(&self, text: &str) {
        for letter in text.chars().map(u32::from) {
            assert!(letter < 256, "{text} has letters that no key gives");
            let (_, shifted) = self.input.key(letter);
            if shifted { self.press(&[SHIFT, letter]) } else { self.press(&[letter]) }
        }
    }
}
