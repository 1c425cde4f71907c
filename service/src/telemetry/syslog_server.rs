//! A syslog server or the journal as a destination: a local datagram socket, UDP, TCP.
//!
//! A connection is opened on demand and dropped at the first error; the next attempt opens a new one, so that a
//! restarted server is found.

use std::io::{self, Read as _};
use std::net::{TcpStream, ToSocketAddrs as _, UdpSocket};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::batch::{Batch, Framing};
use super::output::{Output, write_stream};
use super::settings::SyslogTarget;

/// "Message too long", on Linux.
const EMSGSIZE: i32 = 90;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
const WRITE_TIMEOUT: Duration = Duration::from_secs(5);

/// The output for a syslog server.
pub(super) fn output(target: &SyslogTarget) -> Box<dyn Output> {
    match target {
        SyslogTarget::Unix(path) | SyslogTarget::Journal(path) => Box::new(UnixSocket {
            name: target.to_string(),
            path: path.clone(),
            socket: None,
        }),
        SyslogTarget::Udp(address) => Box::new(Udp {
            address: address.clone(),
            socket: None,
        }),
        SyslogTarget::Tcp(address) => Box::new(Tcp {
            address: address.clone(),
            stream: None,
        }),
    }
}

struct UnixSocket {
    name: String,
    path: PathBuf,
    socket: Option<UnixDatagram>,
}

impl Output for UnixSocket {
    fn describe(&self) -> String {
        self.name.clone()
    }

    fn framing(&self) -> Framing {
        Framing::Datagrams
    }

    fn write(&mut self, batch: &mut Batch) -> io::Result<()> {
        let socket = match self.socket.take() {
            Some(socket) => socket,
            None => connect_unix(&self.path)?,
        };
        // On an error the socket is not put back: a restarted server listens on a new one.
        write_datagrams(batch, |line| socket.send(line))?;
        self.socket = Some(socket);
        Ok(())
    }

    fn reopen(&mut self) -> io::Result<()> {
        self.socket = None;
        Ok(())
    }
}

fn connect_unix(path: &Path) -> io::Result<UnixDatagram> {
    let socket = UnixDatagram::unbound()?;
    socket.connect(path)?;
    socket.set_write_timeout(Some(WRITE_TIMEOUT))?;
    Ok(socket)
}

struct Udp {
    address: String,
    socket: Option<UdpSocket>,
}

impl Output for Udp {
    fn describe(&self) -> String {
        format!("udp://{}", self.address)
    }

    fn framing(&self) -> Framing {
        Framing::Datagrams
    }

    fn write(&mut self, batch: &mut Batch) -> io::Result<()> {
        let socket = match self.socket.take() {
            Some(socket) => socket,
            None => connect_udp(&self.address)?,
        };
        let result = write_datagrams(batch, |line| socket.send(line));
        match &result {
            Ok(()) => self.socket = Some(socket),
            // The error belongs to an earlier datagram, which is lost.
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => batch.drop_one(),
            Err(_) => {}
        }
        result
    }

    fn reopen(&mut self) -> io::Result<()> {
        self.socket = None;
        Ok(())
    }
}

fn connect_udp(address: &str) -> io::Result<UdpSocket> {
    let mut failure = no_address(address);
    for address in address.to_socket_addrs()? {
        let any = if address.is_ipv6() {
            "[::]:0"
        } else {
            "0.0.0.0:0"
        };
        // Connected, so that the kernel reports ICMP errors.
        match UdpSocket::bind(any).and_then(|socket| socket.connect(address).map(|()| socket)) {
            Ok(socket) => return Ok(socket),
            Err(error) => failure = error,
        }
    }
    Err(failure)
}

struct Tcp {
    address: String,
    stream: Option<TcpStream>,
}

impl Output for Tcp {
    fn describe(&self) -> String {
        format!("tcp://{}", self.address)
    }

    fn framing(&self) -> Framing {
        Framing::OctetCounting
    }

    fn write(&mut self, batch: &mut Batch) -> io::Result<()> {
        let mut stream = match self.stream.take().filter(still_open) {
            Some(stream) => stream,
            None => connect_tcp(&self.address)?,
        };
        let result = write_stream(&mut stream, batch);
        match result {
            Ok(()) => self.stream = Some(stream),
            // The next connection starts with a whole message.
            Err(_) => drop(batch.restart_line()),
        }
        result
    }

    fn reopen(&mut self) -> io::Result<()> {
        self.stream = None;
        Ok(())
    }
}

/// Syslog servers send nothing; one that closed the connection would otherwise lose a batch.
fn still_open(stream: &TcpStream) -> bool {
    let mut reader = stream;
    let heard = stream
        .set_nonblocking(true)
        .and_then(|()| reader.read(&mut [0; 64]));
    let open = match heard {
        Ok(bytes) => bytes > 0,
        Err(error) => error.kind() == io::ErrorKind::WouldBlock,
    };
    open && stream.set_nonblocking(false).is_ok()
}

fn connect_tcp(address: &str) -> io::Result<TcpStream> {
    let mut failure = no_address(address);
    for address in address.to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, CONNECT_TIMEOUT) {
            Ok(stream) => {
                stream.set_write_timeout(Some(WRITE_TIMEOUT))?;
                return Ok(stream);
            }
            Err(error) => failure = error,
        }
    }
    Err(failure)
}

fn no_address(address: &str) -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, format!("{address} has no address"))
}

fn write_datagrams(batch: &mut Batch, send: impl Fn(&[u8]) -> io::Result<usize>) -> io::Result<()> {
    while let Some(line) = batch.line() {
        match send(line) {
            Ok(_) => batch.skip_line(),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            // A retry would fail again.
            Err(error) if error.raw_os_error() == Some(EMSGSIZE) => {
                batch.skip_line();
                batch.drop_one();
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
