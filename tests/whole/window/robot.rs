//! Drives the program from outside, by its pixels, the mouse, the keys and dropped files.

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use image::RgbImage;
use x11rb::connection::Connection as _;
use x11rb::protocol::xproto::{
    Atom, AtomEnum, ClientMessageEvent, ConnectionExt as _, EventMask, ImageFormat, InputFocus, MapState, Window,
};
use x11rb::rust_connection::RustConnection;

use super::display::{Display, lavapipe};
use super::input::Input;
use super::screen::Screen;

/// Polling interval while waiting for the window.
const LOOK: Duration = Duration::from_millis(50);
/// A window is settled when it has not changed for this long.
const STILL: Duration = Duration::from_millis(300);

/// The program, its window and its display. All are ended on drop.
pub struct Robot {
    pub(super) conn: RustConnection,
    pub(super) root: Window,
    pub(super) window: Window,
    pub(super) input: Input,
    program: Option<Child>,
    data: PathBuf,
    screenshots: usize,
    /// The last field, so that the server is ended last.
    display: Display,
}

impl Robot {
    /// Opens a display and starts the program in it, with its data in this folder.
    pub fn start(data: &Path) -> Self {
        let display = Display::open();
        let (conn, screen) = x11rb::connect(Some(&display.name)).expect("Xvfb takes connections");
        let root = conn.setup().roots[screen].root;
        let input = Input::new(&conn);
        let mut robot =
            Self { conn, root, window: 0, input, program: None, data: data.to_owned(), screenshots: 0, display };
        robot.start_again();
        robot
    }

    /// Starts the program once more, after [`Self::quit`].
    pub fn start_again(&mut self) {
        let run = self.data.join("run");
        std::fs::create_dir_all(&run).unwrap();
        std::fs::set_permissions(&run, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
        let log = |_| OpenOptions::new().create(true).append(true).open(self.log()).unwrap();
        let [out, err]: [File; 2] = [0, 1].map(log);
        let program = Command::new(env!("CARGO_BIN_EXE_whence"))
            .args(["--device", "cpu"])
            .env("DISPLAY", &self.display.name)
            .env("WGPU_BACKEND", "vulkan")
            .env("VK_ICD_FILENAMES", lavapipe().unwrap())
            .env("WINIT_X11_SCALE_FACTOR", "1")
            .env("XDG_RUNTIME_DIR", &run)
            .env("WHENCE_DATA", &self.data)
            .env_remove("WAYLAND_DISPLAY")
            .env_remove("WAYLAND_SOCKET")
            .env_remove("DBUS_SESSION_BUS_ADDRESS")
            .stdin(Stdio::null())
            .stdout(out)
            .stderr(err)
            .spawn()
            .expect("the program starts");
        self.program = Some(program);
        let begun = Instant::now();
        self.window = loop {
            if let Some(window) = self.find_window() {
                break window;
            }
            self.check_alive("its window opens");
            assert!(begun.elapsed() < Duration::from_secs(60), "no window within a minute: {}", self.output());
            sleep(LOOK);
        };
        // Without a window manager, the test sets the focus.
        self.conn.set_input_focus(InputFocus::PARENT, self.window, x11rb::CURRENT_TIME).unwrap().check().unwrap();
    }

    /// The visible window of this name and class.
    fn find_window(&self) -> Option<Window> {
        self.conn.query_tree(self.root).unwrap().reply().unwrap().children.into_iter().find(|window| {
            let text = |what: Atom| {
                let property = self.conn.get_property(false, *window, what, AtomEnum::ANY, 0, 64).ok()?;
                property.reply().ok().map(|p| p.value)
            };
            let visible = self.conn.get_window_attributes(*window).ok().and_then(|a| a.reply().ok());
            visible.is_some_and(|a| a.map_state == MapState::VIEWABLE)
                && text(AtomEnum::WM_CLASS.into()).is_some_and(|class| class.split(|b| *b == 0).any(|c| c == b"whence"))
                && text(self.atom("_NET_WM_NAME")).is_some_and(|name| name == b"Whence")
        })
    }

    pub(super) fn atom(&self, name: &str) -> Atom {
        self.conn.intern_atom(false, name.as_bytes()).unwrap().reply().unwrap().atom
    }

    /// Sends a client message to the window.
    pub(super) fn send_message(&self, what: &str, data: [u32; 5]) {
        let event = ClientMessageEvent::new(32, self.window, self.atom(what), data);
        self.conn.send_event(false, self.window, EventMask::NO_EVENT, event).unwrap().check().unwrap();
    }

    fn log(&self) -> PathBuf {
        self.data.join("output.txt")
    }

    /// The program's output.
    pub fn output(&self) -> String {
        std::fs::read_to_string(self.log()).unwrap_or_default()
    }

    /// The program's process id.
    pub fn process(&self) -> u32 {
        self.program.as_ref().expect("the program runs").id()
    }

    fn check_alive(&mut self, what: &str) {
        if let Some(status) = self.program.as_mut().expect("the program runs").try_wait().unwrap() {
            panic!("the program ended ({status}) before {what}: {}", self.output());
        }
    }

    /// A screenshot of the window.
    pub fn screenshot(&self) -> Screen {
        let size = self.conn.get_geometry(self.window).unwrap().reply().unwrap();
        let (w, h) = (size.width, size.height);
        let image = self.conn.get_image(ImageFormat::Z_PIXMAP, self.window, 0, 0, w, h, !0).unwrap().reply().unwrap();
        assert_eq!((image.depth, image.data.len()), (24, usize::from(w) * usize::from(h) * 4));
        let rgb = image.data.chunks_exact(4).flat_map(|p| [p[2], p[1], p[0]]).collect();
        Screen(RgbImage::from_raw(w.into(), h.into(), rgb).unwrap())
    }

    /// Waits until `condition` holds for a screenshot, which it returns. Panics after this number of seconds.
    pub fn until(&mut self, what: &str, seconds: u64, mut condition: impl FnMut(&Screen) -> bool) -> Screen {
        let begun = Instant::now();
        loop {
            let screen = self.screenshot();
            if condition(&screen) {
                return screen;
            }
            self.check_alive(what);
            if begun.elapsed() > Duration::from_secs(seconds) {
                let path = self.save_screenshot("failed", &screen);
                panic!("not within {seconds} s: {what}. See {}\n{}", path.display(), self.output());
            }
            sleep(LOOK);
        }
    }

    /// Waits until the window no longer changes.
    pub fn settled(&mut self) -> Screen {
        let mut last = self.screenshot();
        let mut since = Instant::now();
        self.until("the window settles", 60, |screen| {
            if *screen != last {
                (last, since) = (screen.clone(), Instant::now());
            }
            since.elapsed() >= STILL
        })
    }

    /// Saves a screenshot to be checked by eye.
    pub fn save_screenshot(&mut self, name: &str, screen: &Screen) -> PathBuf {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("window");
        std::fs::create_dir_all(&folder).unwrap();
        self.screenshots += 1;
        let path = folder.join(format!("{:02}-{name}.png", self.screenshots));
        screen.0.save(&path).unwrap();
        path
    }

    /// Ends the program with SIGTERM, and checks that it closes in order.
    pub fn terminate(&mut self) {
        let sent = Command::new("kill").args(["-TERM", &self.process().to_string()]).status().unwrap();
        assert!(sent.success());
        self.wait_for_exit("SIGTERM");
    }

    /// Closes the window as the close button would, and checks the exit status.
    pub fn quit(&mut self) {
        self.send_message("WM_PROTOCOLS", [self.atom("WM_DELETE_WINDOW"), x11rb::CURRENT_TIME, 0, 0, 0]);
        self.wait_for_exit("its window was closed");
    }

    fn wait_for_exit(&mut self, after: &str) {
        let mut program = self.program.take().expect("the program runs");
        let begun = Instant::now();
        let status = loop {
            if let Some(status) = program.try_wait().unwrap() {
                break status;
            }
            if begun.elapsed() > Duration::from_secs(20) {
                self.program = Some(program);
                panic!("the program is still there 20 s after {after}: {}", self.output());
            }
            sleep(LOOK);
        };
        assert_eq!(status.code(), Some(0), "{}", self.output());
        assert!(!self.output().contains("panicked"), "{}", self.output());
    }
}

impl Drop for Robot {
    fn drop(&mut self) {
        if let Some(mut program) = self.program.take() {
            // It may have ended already.
            let _ = program.kill();
            let _ = program.wait();
        }
    }
}
