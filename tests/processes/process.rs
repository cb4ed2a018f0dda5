//! Processes of a test's own: started, waited for, and ended with the test that started them.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Resource, Rlimit, Signal, getrlimit, kill_process, prlimit, setrlimit};
use tokio::time::{Instant, sleep};

/// How long a test waits for what has to come. Far beyond what anything takes, for a machine that is busy with other things.
const PATIENCE: Duration = Duration::from_mins(1);
const PAUSE: Duration = Duration::from_millis(10);

/// A process whose output goes into files, and that ends with this value at the latest.
pub struct Process {
    child: Child,
    stdout: PathBuf,
    stderr: PathBuf,
}

/// What a process holds, as Linux tells it (`proc_pid_status(5)`).
#[derive(Clone, Copy, Debug)]
pub struct Held {
    /// Memory that is resident now, in KiB.
    pub resident: usize,
    /// The most that was resident so far, in KiB.
    pub peak: usize,
    /// Open files.
    pub files: usize,
}

impl Process {
    /// Starts a process; its output goes into `directory`.
    pub fn start(command: &mut Command, directory: &Path) -> Self {
        let (stdout, stderr) = (directory.join("stdout"), directory.join("stderr"));
        let file = |path: &Path| Stdio::from(File::create(path).expect("the output has a file"));
        let child = command.stdin(Stdio::null()).stdout(file(&stdout)).stderr(file(&stderr)).spawn();
        Self { child: child.unwrap_or_else(|error| panic!("{command:?} cannot be started: {error}")), stdout, stderr }
    }

    /// What it has written to standard output so far.
    pub fn stdout(&self) -> String {
        std::fs::read_to_string(&self.stdout).expect("the output is text")
    }

    /// What it has written to standard error so far.
    pub fn stderr(&self) -> String {
        std::fs::read_to_string(&self.stderr).expect("the output is text")
    }

    /// Its id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it holds now.
    pub fn held(&self) -> Held {
        let process = format!("/proc/{}", self.id());
        let status = std::fs::read_to_string(format!("{process}/status")).expect("the process runs");
        let kib = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).expect("the line is there");
            line.trim().trim_end_matches(" kB").parse().expect("it is a number")
        };
        let files = std::fs::read_dir(format!("{process}/fd")).expect("the process runs").count();
        Held { resident: kib("VmRSS:"), peak: kib("VmHWM:"), files }
    }

    /// Lets it have so many open files at once, from now on.
    pub fn allow_files(&self, most: u64) {
        let limit = Rlimit { current: Some(most), maximum: Some(most) };
        prlimit(Some(Pid::from_child(&self.child)), Resource::Nofile, limit).expect("a child's limits can be lowered");
    }

    /// How it ended, if it has.
    pub fn ending(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("the child can be waited for")
    }

    /// Asks it to stop (SIGTERM), as platforms do.
    pub fn terminate(&self) {
        kill_process(Pid::from_child(&self.child), Signal::TERM).expect("the child takes signals");
    }

    /// Ends it at once (SIGKILL), with all that it holds.
    pub fn kill(&self) {
        kill_process(Pid::from_child(&self.child), Signal::KILL).expect("the child takes signals");
    }

    /// Presses Ctrl-C (SIGINT).
    pub fn interrupt(&self) {
        kill_process(Pid::from_child(&self.child), Signal::INT).expect("the child takes signals");
    }

    /// Presses Ctrl-\ (SIGQUIT).
    pub fn quit(&self) {
        kill_process(Pid::from_child(&self.child), Signal::QUIT).expect("the child takes signals");
    }

    /// Presses Ctrl-Z (SIGTSTP).
    pub fn suspend(&self) {
        kill_process(Pid::from_child(&self.child), Signal::TSTP).expect("the child takes signals");
    }

    /// Waits until it has ended.
    pub async fn ended(&mut self) -> ExitStatus {
        until("the process ends", async || self.ending()).await
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Either fails only for a process that has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Asks again and again, until there is an answer.
pub async fn until<T>(what: &str, mut probe: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = probe().await {
            return found;
        }
        assert!(Instant::now() < deadline, "waited {} s in vain until {what}", PATIENCE.as_secs());
        sleep(PAUSE).await;
    }
}

/// Lets this process and those that it starts have as many open files as the system allows: some hold 1,024 enough, or 256, and each tenant's
/// ISPM has connections of its own.
pub fn allow_open_files() {
    let limits = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limits.maximum, ..limits }).unwrap();
}
