//! As much of HTTP/1.1 as a client of OTLP needs.

use std::io::{Error, ErrorKind, Read, Result, Write};

use wasmedge_wasi_socket::TcpStream;

pub struct Connection {
    stream: TcpStream,
}

pub struct Response {
    pub code: u16,
    /// Whether the connection is at the beginning of another answer.
    pub reusable: bool,
}

impl Connection {
    pub fn dial(endpoint: &str) -> Result<Connection> {
        Ok(Connection {
            stream: TcpStream::connect(endpoint)?,
        })
    }

    pub fn post(&mut self, host: &str, path: &str, body: &[u8]) -> Result<Response> {
        let mut request = format!(
            "POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/x-protobuf\r\nContent-Length: {}\r\n\r\n",
            body.len()
        )
        .into_bytes();
        request.extend_from_slice(body);
        self.stream.write_all(&request)?;
        self.answer()
    }

    fn answer(&mut self) -> Result<Response> {
        let mut received = Vec::new();
        let (size, code, length) = loop {
            self.receive(&mut received)?;
            let mut headers = [httparse::EMPTY_HEADER; 32];
            let mut response = httparse::Response::new(&mut headers);
            let parsed = response
                .parse(&received)
                .map_err(|error| Error::new(ErrorKind::InvalidData, error))?;
            if let httparse::Status::Complete(size) = parsed {
                break (
                    size,
                    response.code.unwrap_or(0),
                    content_length(response.headers),
                );
            }
        };
        // Without a length, the end of the answer is the end of the connection; or it is chunked, which is not worth understanding here.
        let Some(length) = length else {
            return Ok(Response {
                code,
                reusable: false,
            });
        };
        while received.len() < size + length {
            self.receive(&mut received)?;
        }
        Ok(Response {
            code,
            reusable: received.len() == size + length,
        })
    }

    fn receive(&mut self, into: &mut Vec<u8>) -> Result<()> {
        let mut buffer = [0; 4096];
        let size = self.stream.read(&mut buffer)?;
        if size == 0 {
            return Err(Error::new(
                ErrorKind::UnexpectedEof,
                "the connection was closed before the answer was complete",
            ));
        }
        into.extend_from_slice(&buffer[..size]);
        Ok(())
    }
}

/// None, too, where the server is going to close the connection.
fn content_length(headers: &[httparse::Header]) -> Option<usize> {
    let value = |name: &str| {
        let found = headers
            .iter()
            .find(|header| header.name.eq_ignore_ascii_case(name))?;
        std::str::from_utf8(found.value).ok()
    };
    if value("connection").is_some_and(|value| value.eq_ignore_ascii_case("close")) {
        return None;
    }
    value("content-length")?.trim().parse().ok()
}
