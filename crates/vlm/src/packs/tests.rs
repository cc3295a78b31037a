use super::*;

#[test]
fn what_is_offered_has_a_licence_and_weights_with_sizes() {
    let packs = published();
    let names: Vec<&str> = packs.iter().filter(|pack| pack.offered).map(|pack| &*pack.name).collect();
    assert_eq!(
        names,
        ["small", "standard", "classic", "multilingual-best", "multilingual-fast", "captions", "questions", "smolvlm"]
    );
    for pack in packs {
        assert_eq!(pack.offered, pack.licence.is_some(), "{}", pack.name);
        let weights: Vec<_> = pack.files.iter().filter(|file| file.is_weights()).collect();
        assert_eq!(weights.len(), 1, "{}", pack.name);
        assert!(weights[0].required && pack.bytes() >= 300_000_000, "{}", pack.name);
        assert!(pack.bytes_on_disk() < pack.bytes() || pack.layout == Layout::Idefics3, "{}", pack.name);
        assert_eq!(pack.purpose == Purpose::Search, pack.dims > 0, "{}", pack.name);
        // A digest is nothing without the size that it was seen with.
        assert!(pack.files.iter().all(|file| file.sha256.is_none() || file.bytes.is_some()), "{}", pack.name);
    }
}

#[test]
fn a_list_that_names_other_places_is_refused() {
    let pack = |name: &str, repository: &str, path: &str, size: &str| {
        format!(
            "[[pack]]\nname = {name:?}\npurpose = \"search\"\nlayout = \"pack\"\noffered = false\nsummary = \"\"\n\
             languages = \"\"\ndims = 1\nrepository = {repository:?}\nrevision = \"{}\"\n\
             files = [{{ path = {path:?}, {size} }}]\n",
            "0".repeat(40)
        )
    };
    assert!(parse(&pack("a-1", "owner/name", "a/b.json", "at_most = 1")).is_ok());
    for (name, repository, path, size) in [
        ("../a", "owner/name", "b.json", "at_most = 1"),
        ("A", "owner/name", "b.json", "at_most = 1"),
        ("con", "owner/name", "b.json", "at_most = 1"),
        ("a.partial", "owner/name", "b.json", "at_most = 1"),
        ("a", "owner", "b.json", "at_most = 1"),
        ("a", "../name", "b.json", "at_most = 1"),
        ("a", "owner/name", "../b.json", "at_most = 1"),
        ("a", "owner/name", "/b.json", "at_most = 1"),
        ("a", "owner/name", "b.json?x=1", "at_most = 1"),
        ("a", "owner/name", "b.json", "required = true"),
        ("a", "owner/name", "b.json", "at_most = 1, sha256 = \"ABC\""),
    ] {
        assert!(parse(&pack(name, repository, path, size)).is_err(), "{name} {repository} {path} {size}");
    }
}

#[test]
fn a_file_is_kept_under_the_last_part_of_its_path() {
    let classic = published().into_iter().find(|pack| pack.name == "classic").unwrap();
    assert!(classic.files.iter().any(|file| file.path == "0_CLIPModel/config.json" && file.name() == "config.json"));
}
