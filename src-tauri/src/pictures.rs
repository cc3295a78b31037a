//! The protocol that serves pictures: `sightline://localhost/thumb/17`.
//!
//! A picture is asked for by its photo's number, never by a path: no address can name a file outside the
//! library.

use std::sync::Arc;

use sightline_api::{PictureSize, Start};
use tauri::http::{Request, Response, StatusCode, header};
use tauri::{Manager, Runtime, UriSchemeContext, UriSchemeResponder};

/// Answers a request for a picture, off the window's thread.
pub fn serve<R: Runtime>(context: UriSchemeContext<'_, R>, request: Request<Vec<u8>>, responder: UriSchemeResponder) {
    let app = context.app_handle().clone();
    tauri::async_runtime::spawn_blocking(move || {
        let desk = app.try_state::<Arc<Start>>().and_then(|start| start.desk());
        let wanted = parse(request.uri().path());
        responder.respond(match (desk, wanted) {
            (Some(desk), Some((size, photo))) => match desk.picture(size, photo) {
                Ok(jpeg) => picture(jpeg, size),
                Err(error) => refusal(StatusCode::NOT_FOUND, &error.message),
            },
            _ => refusal(StatusCode::BAD_REQUEST, "no picture has this address"),
        });
    });
}

/// `/thumb/17`, `/screen/17` or `/full/17`, and nothing else.
fn parse(path: &str) -> Option<(PictureSize, i64)> {
    let (size, photo) = path.strip_prefix('/')?.split_once('/')?;
    if photo.is_empty() || !photo.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some((PictureSize::parse(size)?, photo.parse().ok()?))
}

fn picture(jpeg: Vec<u8>, size: PictureSize) -> Response<Vec<u8>> {
    // A photo's number is never used for another, so its thumbnail never changes; the others are large.
    let caching = if size == PictureSize::Thumbnail { "private, max-age=31536000, immutable" } else { "no-store" };
    respond(StatusCode::OK, "image/jpeg", caching, jpeg)
}

fn refusal(status: StatusCode, why: &str) -> Response<Vec<u8>> {
    respond(status, "text/plain; charset=utf-8", "no-store", why.as_bytes().to_vec())
}

fn respond(status: StatusCode, kind: &str, caching: &str, body: Vec<u8>) -> Response<Vec<u8>> {
    Response::builder()
        .status(status)
        .header(header::CONTENT_TYPE, kind)
        .header(header::CACHE_CONTROL, caching)
        .header(header::X_CONTENT_TYPE_OPTIONS, "nosniff")
        // The page has every picture that it shows already; so it may copy one.
        .header(header::ACCESS_CONTROL_ALLOW_ORIGIN, "*")
        .body(body)
        .expect("status and headers are constants")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_size_and_a_number_name_a_picture() {
        assert_eq!(parse("/thumb/17"), Some((PictureSize::Thumbnail, 17)));
        assert_eq!(parse("/full/1"), Some((PictureSize::Full, 1)));
        for path in [
            "",
            "/",
            "/thumb",
            "/thumb/",
            "/thumb/-1",
            "/thumb/+1",
            "/thumb/1/2",
            "/thumb/../../etc/passwd",
            "thumb/1",
            "/thumb/%31",
            "/thumb/1%00",
            "/etc/passwd",
            "/other/1",
            "/thumb/1.jpg",
            "/thumb/99999999999999999999",
            "//thumb/1",
            "/thumb//1",
            "/thumb/ 1",
            "/thumb/١",
        ] {
            assert_eq!(parse(path), None, "{path}");
        }
    }
}
