use std::fs;
use std::io::Write;

use super::*;

/// A JPEG's head with an XMP packet and IPTC datasets in it; the pixels do not matter here.
fn jpeg(xmp: Option<&str>, iptc: &[(u8, &str)]) -> Vec<u8> {
    let segment = |marker: u8, content: &[u8]| {
        [&[0xff, marker], (content.len() as u16 + 2).to_be_bytes().as_slice(), content].concat()
    };
    let mut bytes = vec![0xff, 0xd8];
    if let Some(xmp) = xmp {
        let packet = packet(xmp);
        bytes.extend(segment(0xe1, &[b"http://ns.adobe.com/xap/1.0/\0".as_slice(), packet.as_bytes()].concat()));
    }
    let datasets: Vec<u8> = iptc
        .iter()
        .flat_map(|(number, value)| [&[0x1c, 2, *number, 0, value.len() as u8], value.as_bytes()].concat())
        .collect();
    let resource =
        [b"Photoshop 3.0\x008BIM\x04\x04\0\0".as_slice(), &(datasets.len() as u32).to_be_bytes(), &datasets].concat();
    bytes.extend(segment(0xed, &resource));
    bytes.extend([0xff, 0xda]);
    bytes
}

fn packet(properties: &str) -> String {
    format!(
        "<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>\
         <rdf:Description xmlns:xmp='http://ns.adobe.com/xap/1.0/' xmlns:exif='http://ns.adobe.com/exif/1.0/' \
         xmlns:dc='http://purl.org/dc/elements/1.1/' {properties}/></rdf:RDF></x:xmpmeta>"
    )
}

fn date(facts: &Facts) -> (&str, DateSource) {
    let (date, source) = facts.taken_at.as_ref().unwrap();
    (date, *source)
}

fn exif(taken_at: &str) -> ExifFacts {
    ExifFacts { taken_at: Some(taken_at.into()), ..ExifFacts::default() }
}

fn of(exif: ExifFacts, path: &Path) -> Facts {
    let mut file = fs::File::open(path).unwrap();
    FactsFound::of(exif, &mut file, path, &caption_metadata::beside(path)).unwrap().facts
}

#[test]
fn dates_are_trusted_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let photo = dir.path().join("IMG_20210101_010101.jpg");
    let changed = || ExifFacts { changed_at: Some("2021-05-05T05:05:05".into()), ..ExifFacts::default() };
    let (embedded, iptc) =
        (Some("exif:DateTimeOriginal='2021-03-03T03:03:03'"), [(55, "20210404"), (60, "040404+0100")]);
    let sidecar = || fs::write(dir.path().join("IMG_20210101_010101.jpg.xmp"), packet("xmp:CreateDate='2021-02-02'"));

    fs::write(&photo, jpeg(embedded, &iptc)).unwrap();
    sidecar().unwrap();
    let camera = of(exif("2021-01-01T00:00:00"), &photo);
    assert_eq!(date(&camera), ("2021-01-01T00:00:00", DateSource::Exif), "the camera's word goes before a sidecar's");
    assert_eq!(date(&of(changed(), &photo)), ("2021-03-03T03:03:03", DateSource::Xmp));
    fs::write(&photo, jpeg(None, &iptc)).unwrap();
    assert_eq!(date(&of(changed(), &photo)), ("2021-02-02", DateSource::Xmp));
    fs::remove_file(dir.path().join("IMG_20210101_010101.jpg.xmp")).unwrap();
    assert_eq!(date(&of(changed(), &photo)), ("2021-04-04T04:04:04+01:00", DateSource::Iptc));
    fs::write(&photo, jpeg(None, &[])).unwrap();
    assert_eq!(date(&of(changed(), &photo)), ("2021-05-05T05:05:05", DateSource::Exif));
    assert_eq!(date(&of(ExifFacts::default(), &photo)), ("2021-01-01T01:01:01", DateSource::Name));
    let nameless = dir.path().join("holiday.jpg");
    fs::write(&nameless, jpeg(None, &[])).unwrap();
    assert_eq!(of(ExifFacts::default(), &nameless), Facts::default());
}

#[test]
fn xmp_tells_the_zone_that_the_camera_did_not() {
    let dir = tempfile::tempdir().unwrap();
    let photo = dir.path().join("a.jpg");
    fs::write(&photo, jpeg(Some("exif:DateTimeOriginal='2021-03-03T03:03:03.25-07:00'"), &[])).unwrap();
    assert_eq!(date(&of(exif("2021-03-03T03:03:03"), &photo)), ("2021-03-03T03:03:03-07:00", DateSource::Exif));
    assert_eq!(date(&of(exif("2021-03-03T03:03:04"), &photo)), ("2021-03-03T03:03:04", DateSource::Exif));
}

#[test]
fn ratings_and_positions_beside_the_photo_go_before_those_in_it() {
    let dir = tempfile::tempdir().unwrap();
    let photo = dir.path().join("a.jpg");
    let inside = "xmp:Rating='2' exif:GPSLatitude='41,0N' exif:GPSLongitude='8,0W' dc:description='inside'";
    fs::write(&photo, jpeg(Some(inside), &[(25, "iptc"), (120, "iptc")])).unwrap();
    let read = |exif: ExifFacts| of(exif, &photo);
    let camera = || ExifFacts { rating: Some(5), position: Some((1.0, 2.0)), ..ExifFacts::default() };

    let found = read(camera());
    assert_eq!((found.rating, found.position), (Some(2), Some((1.0, 2.0))));
    assert_eq!(read(ExifFacts::default()).position, Some((41.0, -8.0)));
    assert_eq!((found.words.caption.as_deref(), found.words.keywords), (Some("inside"), vec!["iptc".to_owned()]));

    let beside = "xmp:Rating='0' exif:GPSLatitude='38,30N' exif:GPSLongitude='9,0W' dc:description='beside'";
    fs::write(dir.path().join("a.xmp"), packet(beside)).unwrap();
    let found = read(camera());
    assert_eq!((found.rating, found.position), (Some(0), Some((38.5, -9.0))), "a rating taken off is an answer");
    assert_eq!(found.words.caption.as_deref(), Some("beside"));

    fs::write(dir.path().join("a.xmp"), "<not xml").unwrap();
    let found = read(camera());
    assert_eq!((found.rating, found.words.caption.as_deref()), (Some(2), Some("inside")), "damage hides nothing");
    fs::write(&photo, jpeg(None, &[])).unwrap();
    assert_eq!(read(camera()).rating, Some(5));
}

#[test]
fn copies_of_a_file_add_what_lies_beside_them() {
    let guess = |date: &str| Some((date.to_owned(), DateSource::Name));
    let known = Some(("2021-06-30".to_owned(), DateSource::Xmp));
    let facts = |taken_at, rating| Facts { taken_at, rating, ..Facts::default() };
    let both = facts(guess("2020-01-01"), None).or(facts(known.clone(), Some(3)));
    assert_eq!(both, facts(known.clone(), Some(3)));
    let both = facts(guess("2020-01-01"), Some(1)).or(facts(guess("2021-01-01"), Some(3)));
    assert_eq!(both, facts(guess("2020-01-01"), Some(1)));
    assert_eq!(facts(known.clone(), None).or(facts(guess("2020-01-01"), None)), facts(known, None));
    assert_eq!(facts(None, None).or(facts(guess("2020-01-01"), None)), facts(guess("2020-01-01"), None));
}

/// A PNG's head with texts of its own; the pixels do not matter here.
fn png(texts: &[(&str, &str)]) -> Vec<u8> {
    png_of(
        texts.iter().map(|(keyword, text)| (b"tEXt", [keyword.as_bytes(), &[0], text.as_bytes()].concat())).collect(),
    )
}

fn png_of(chunks: Vec<(&[u8; 4], Vec<u8>)>) -> Vec<u8> {
    let mut bytes = b"\x89PNG\r\n\x1a\n".to_vec();
    for (kind, content) in chunks {
        bytes.extend((content.len() as u32).to_be_bytes());
        bytes.extend([kind.as_slice(), &content, &[0; 4]].concat());
    }
    bytes.extend(b"\0\0\0\0IEND\0\0\0\0");
    bytes
}

#[test]
fn a_persons_words_are_found_in_whichever_field_they_stand() {
    let caption = |bytes: Vec<u8>, exif: ExifFacts| {
        FactsFound::of(exif, &mut io::Cursor::new(bytes), "a.jpg".as_ref(), &[]).unwrap().facts.words.caption
    };
    let of_xmp = |properties: &str| {
        let spaces = "xmlns:photoshop='http://ns.adobe.com/photoshop/1.0/' xmlns:tiff='http://ns.adobe.com/tiff/1.0/' \
                      xmlns:c='http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/' xmlns:a='http://ns.acdsee.com/iptc/1.0/'";
        caption(jpeg(Some(&format!("{spaces} {properties}")), &[]), ExifFacts::default())
    };
    for field in [
        "dc:title='Rex'",
        "dc:description='Rex'",
        "photoshop:Headline='Rex'",
        "tiff:ImageDescription='Rex'",
        "exif:UserComment='Rex'",
        "c:AltTextAccessibility='Rex'",
        "c:ExtDescrAccessibility='Rex'",
        "a:caption='Rex'",
    ] {
        assert_eq!(of_xmp(field).as_deref(), Some("Rex"), "{field}");
    }
    // As elements, and in a language that is nobody's default.
    let list = |name: &str, items: &str| {
        let packet = packet("").replace(
            "/></rdf:RDF>",
            &format!("><{name}><rdf:Alt>{items}</rdf:Alt></{name}></rdf:Description></rdf:RDF>"),
        );
        let xmp = [b"http://ns.adobe.com/xap/1.0/\0".as_slice(), packet.as_bytes()].concat();
        let segment = [&[0xff, 0xe1], (xmp.len() as u16 + 2).to_be_bytes().as_slice(), &xmp].concat();
        caption([&[0xff, 0xd8], segment.as_slice(), &[0xff, 0xda]].concat(), ExifFacts::default())
    };
    let items = "<rdf:li xml:lang='x-default'></rdf:li><rdf:li xml:lang='pt'>O Rex</rdf:li>";
    assert_eq!(list("dc:description", items).as_deref(), Some("O Rex"));
    assert_eq!(list("dc:title", items).as_deref(), Some("O Rex"));
    // IPTC's headline and title; a caption goes before both.
    assert_eq!(caption(jpeg(None, &[(105, "Rex")]), ExifFacts::default()).as_deref(), Some("Rex"));
    assert_eq!(caption(jpeg(None, &[(5, "Title"), (120, "Rex")]), ExifFacts::default()).as_deref(), Some("Rex"));
    let exif = || ExifFacts { words: Some("Rex".into()), ..ExifFacts::default() };
    assert_eq!(caption(jpeg(None, &[(5, "Title")]), exif()).as_deref(), Some("Rex"), "EXIF's goes before a title");
    assert_eq!(caption(jpeg(None, &[(120, "Caption")]), exif()).as_deref(), Some("Caption"));
    assert_eq!(caption(jpeg(None, &[(5, "OLYMPUS DIGITAL CAMERA")]), ExifFacts::default()), None);
    for keyword in ["Title", "Description", "Comment"] {
        assert_eq!(
            caption(png(&[("Software", "gimp"), (keyword, "Rex")]), ExifFacts::default()).as_deref(),
            Some("Rex")
        );
    }
    assert_eq!(caption(png(&[("Software", "gimp")]), ExifFacts::default()), None);
    let both = png(&[("Title", "Rex"), ("Description", "Rex swims")]);
    assert_eq!(caption(both, ExifFacts::default()).as_deref(), Some("Rex swims"));
    // Packed with zlib, in either kind of chunk; what unpacks to a gigabyte is cut.
    let zlib = |text: &[u8]| {
        let mut packer = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
        packer.write_all(text).unwrap();
        packer.finish().unwrap()
    };
    let latin = |packed: Vec<u8>| png_of(vec![(b"zTXt", [b"Comment\0\0".as_slice(), &packed].concat())]);
    assert_eq!(caption(latin(zlib(b"Ren\xe9e")), ExifFacts::default()).as_deref(), Some("Ren\u{e9}e"));
    let packed = [b"Comment\0\x01\0fr\0Commentaire\0".as_slice(), &zlib("Ren\u{e9}e".as_bytes())].concat();
    assert_eq!(caption(png_of(vec![(b"iTXt", packed)]), ExifFacts::default()).as_deref(), Some("Ren\u{e9}e"));
    let bomb = caption(latin(zlib(&vec![b'x'; 64 << 20])), ExifFacts::default()).unwrap();
    assert_eq!(bomb.len(), LONGEST_CAPTION);
    let mut cut = zlib(b"Rex swims in the lake");
    cut.truncate(cut.len() - 8);
    assert!("Rex swims in the lake".starts_with(&caption(latin(cut), ExifFacts::default()).unwrap_or_default()));
}

#[test]
fn a_date_corrected_beside_the_photo_goes_before_the_cameras() {
    let dir = tempfile::tempdir().unwrap();
    let photo = dir.path().join("a.jpg");
    fs::write(&photo, jpeg(None, &[])).unwrap();
    let beside = |properties: &str| fs::write(dir.path().join("a.jpg.xmp"), packet(properties)).unwrap();
    let read = || of(exif("2019-03-03T14:00:00.5+02:00"), &photo);
    let camera = ("2019-03-03T14:00:00.5+02:00", DateSource::Exif);
    beside("exif:DateTimeOriginal='1978-08-12T15:30:00'");
    assert_eq!(date(&read()), ("1978-08-12T15:30:00", DateSource::Xmp));
    beside("exif:DateTimeOriginal='1978'");
    assert_eq!(date(&read()), ("1978", DateSource::Xmp));
    for copy in ["2019-03-03T14:00:00", "2019-03-03", "2019-03-03T12:00:00Z"] {
        beside(&format!("exif:DateTimeOriginal='{copy}'"));
        assert_eq!(date(&read()), camera, "{copy}");
    }
    beside("xmp:CreateDate='2024-01-01T00:00:00'");
    assert_eq!(date(&read()), camera, "the date of making the sidecar corrects nothing");
}

#[test]
fn keywords_below_others_find_by_each_step() {
    let dir = tempfile::tempdir().unwrap();
    let photo = dir.path().join("a.jpg");
    fs::write(&photo, jpeg(None, &[])).unwrap();
    let keywords = |spaces: &str, lists: &str| {
        let packet = packet(spaces).replace("/></rdf:RDF>", &format!(">{lists}</rdf:Description></rdf:RDF>"));
        fs::write(dir.path().join("a.jpg.xmp"), packet).unwrap();
        of(ExifFacts::default(), &photo).words.keywords
    };
    let list = |name: &str, item: &str| format!("<{name}><rdf:Bag><rdf:li>{item}</rdf:li></rdf:Bag></{name}>");
    for (space, name, item) in [
        ("http://ns.adobe.com/lightroom/1.0/", "x:hierarchicalSubject", "Places|Hainich|Thiemsburg"),
        ("http://www.digikam.org/ns/1.0/", "x:TagsList", "Places/Hainich/Thiemsburg"),
        ("http://ns.microsoft.com/photo/1.0/", "x:LastKeywordXMP", "Places/Hainich/Thiemsburg"),
        ("http://ns.iview-media.com/mediapro/1.0/", "x:CatalogSets", "Places|Hainich|Thiemsburg"),
    ] {
        let space = format!("xmlns:x='{space}'");
        assert_eq!(keywords(&space, &list(name, item)), ["Places", "Hainich", "Thiemsburg"], "{name}");
        let both = list("dc:subject", "Thiemsburg") + &list(name, item);
        assert_eq!(keywords(&space, &both), ["Thiemsburg", "Places", "Hainich"], "{name}");
    }
    let own = list("x:TagsList", "_Digikam_Internal_Tags_/Version 2");
    assert_eq!(keywords("xmlns:x='http://www.digikam.org/ns/1.0/'", &own), Vec::<String>::new());
}

#[test]
fn titles_beside_a_caption_and_the_names_of_people_are_words_too() {
    let spaces = "xmlns:photoshop='http://ns.adobe.com/photoshop/1.0/' \
                  xmlns:g='http://www.metadataworkinggroup.com/schemas/regions/'";
    let properties =
        format!("{spaces} dc:description='The sea' dc:title='Zumaia' photoshop:Headline='Zumaia' g:Name='Ida'");
    let read = |bytes: Vec<u8>| FactsFound::read(&mut io::Cursor::new(bytes), "a.jpg".as_ref(), &[]).unwrap().facts;
    let facts = read(jpeg(Some(&properties), &[(5, "Tourmalet"), (120, "The sea")]));
    assert_eq!(facts.words.caption.as_deref(), Some("The sea"));
    assert_eq!(facts.other_words, ["Zumaia", "Ida", "Tourmalet"]);
}

#[test]
fn names_of_places_are_read_from_xmp_and_iptc() {
    let read = |bytes: Vec<u8>| FactsFound::read(&mut io::Cursor::new(bytes), "a.jpg".as_ref(), &[]).unwrap().facts;
    let names = |bytes| read(bytes).place.names().cloned().collect::<Vec<_>>();
    let iptc = [(90, "Windsor"), (92, "Riverside"), (95, "Ontario"), (100, "CAN"), (101, "Canada")];
    assert_eq!(names(jpeg(None, &iptc)), ["Riverside", "Windsor", "Ontario", "Canada", "CAN"]);
    let photoshop = "xmlns:p='http://ns.adobe.com/photoshop/1.0/' p:City='Porto' p:Country='Portugal'";
    assert_eq!(names(jpeg(Some(photoshop), &iptc)), ["Porto", "Portugal"]);
    let extension = "xmlns:e='http://iptc.org/std/Iptc4xmpExt/2008-02-29/'";
    let place = "><e:LocationCreated><rdf:Bag><rdf:li e:City='Porto' e:CountryName='Portugal'/></rdf:Bag>\
                 </e:LocationCreated></rdf:Description></rdf:RDF>";
    let packet = packet(extension).replace("/></rdf:RDF>", place);
    let told =
        caption_metadata::Beside { path: "a.jpg.xmp".into(), has_full_name: true, contents: Some(packet.into_bytes()) };
    let facts = FactsFound::read(&mut io::Cursor::new(jpeg(None, &[])), "a.jpg".as_ref(), &[told]).unwrap().facts;
    assert_eq!(facts.place.names().collect::<Vec<_>>(), ["Porto", "Portugal"]);
}

/// A block of EXIF that says: turn by a quarter to the right, a camera, and a day.
fn block() -> Vec<u8> {
    let entry = |tag: u16, kind: u16, count: u32, value: [u8; 4]| {
        [&tag.to_le_bytes()[..], &kind.to_le_bytes(), &count.to_le_bytes(), &value].concat()
    };
    let mut block = b"II*\0\x08\0\0\0\x03\0".to_vec();
    block.extend(entry(0x0110, 2, 4, *b"One\0"));
    block.extend(entry(0x0112, 3, 1, [6, 0, 0, 0]));
    block.extend(entry(0x0132, 2, 20, 50_u32.to_le_bytes()));
    block.extend([0; 4]);
    block.extend(b"2016:05:09 11:12:14\0");
    block
}

#[test]
fn exif_is_found_where_programs_put_it_in_webp_and_png() {
    let chunk = |mark: &[u8]| {
        let contents = [mark, &block()].concat();
        let mut chunk = [b"EXIF".as_slice(), &(contents.len() as u32).to_le_bytes(), &contents].concat();
        chunk.extend(vec![0; contents.len() % 2]);
        [b"RIFF".as_slice(), &(chunk.len() as u32 + 4).to_le_bytes(), b"WEBP", &chunk].concat()
    };
    let zlib = |text: &str| {
        let mut packer = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
        packer.write_all(text.as_bytes()).unwrap();
        packer.finish().unwrap()
    };
    let profile = |mark: &[u8]| {
        let contents = [mark, &block()].concat();
        let digits: String = contents.iter().map(|byte| format!("{byte:02x}")).collect();
        let lines = digits.as_bytes().chunks(72).map(|line| std::str::from_utf8(line).unwrap());
        format!("\nexif\n{:8}\n{}\n", contents.len(), lines.collect::<Vec<_>>().join("\n"))
    };
    let mark = b"Exif\0\0".as_slice();
    let (keyword, other) = (b"Raw profile type exif\0".as_slice(), b"Raw profile type APP1\0".as_slice());
    for (name, bytes) in [
        ("a.webp", chunk(&[])),
        ("marked.webp", chunk(mark)),
        ("chunk.png", png_of(vec![(b"eXIf", block())])),
        ("marked.png", png_of(vec![(b"eXIf", [mark, &block()].concat())])),
        ("packed.png", png_of(vec![(b"zTXt", [keyword, &[0], &zlib(&profile(mark))].concat())])),
        ("plain.png", png_of(vec![(b"tEXt", [other, profile(&[]).as_bytes()].concat())])),
    ] {
        let facts = FactsFound::read(&mut io::Cursor::new(&bytes), name.as_ref(), &[]).unwrap().facts;
        assert_eq!(facts.camera.as_deref(), Some("One"), "{name}");
        assert_eq!((facts.orientation, date(&facts).0), (Some(6), "2016-05-09T11:12:14"), "{name}");
        for end in 0..bytes.len() {
            FactsFound::read(&mut io::Cursor::new(&bytes[..end]), name.as_ref(), &[]).unwrap();
        }
    }
    let dated = png(&[("Creation Time", "Mon, 09 May 2016 11:12:14 +0200")]);
    let facts = FactsFound::read(&mut io::Cursor::new(dated), "a.png".as_ref(), &[]).unwrap().facts;
    assert_eq!(date(&facts), ("2016-05-09T11:12:14+02:00", DateSource::Exif));
    let iptc = "\niptc\n      21\n3842494d0404000000000009\n1c025a0004506f72746f\n";
    let resource = png(&[("Raw profile type iptc", iptc)]);
    let facts = FactsFound::read(&mut io::Cursor::new(resource), "a.png".as_ref(), &[]).unwrap().facts;
    assert_eq!(facts.place.city.as_deref(), Some("Port"));
}

#[test]
fn what_another_program_turned_is_turned() {
    let dir = tempfile::tempdir().unwrap();
    let bytes = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/p3.jpg")).unwrap();
    let decode = |beside: &[Beside]| {
        let limits = crate::Limits::default();
        let (metadata, rgb, _) = crate::decode_with_facts(&bytes, "a.jpg".as_ref(), 10_000, &limits, beside).unwrap();
        assert_eq!((metadata.width, metadata.height), (rgb.width, rgb.height));
        (metadata.orientation, rgb)
    };
    let (stored, upright) = decode(&[]);
    assert_eq!(stored, 1);
    let beside = |turn: u8| {
        let properties = format!("xmlns:tiff='http://ns.adobe.com/tiff/1.0/' tiff:Orientation='{turn}'");
        let contents = Some(packet(&properties).into_bytes());
        [Beside { path: dir.path().join("a.jpg.xmp"), has_full_name: true, contents }]
    };
    let (turn, turned) = decode(&beside(6));
    assert_eq!((turn, turned.width, turned.height), (6, upright.height, upright.width));
    // The first row from the left is the first column from below.
    let below = turned.pixels.len() / 3 - turned.width as usize;
    let last_row: Vec<&[u8]> = turned.pixels.chunks(3).skip(below).collect();
    let last_column: Vec<&[u8]> =
        upright.pixels.chunks(3).skip(upright.width as usize - 1).step_by(upright.width as usize).collect();
    assert_eq!(last_row, last_column.into_iter().rev().collect::<Vec<_>>());
    for turn in 1..=8 {
        let (there, rgb) = decode(&beside(turn));
        assert_eq!(there, turn);
        assert_eq!(crate::decode::orient::undone(rgb, turn), upright, "{turn}");
    }
}
