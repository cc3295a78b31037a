use super::*;

fn proof() -> Proof {
    let fine = Some(Agreement { photos: Some(0.99999), sentences: 0.9999 });
    Proof {
        version: VERSION,
        id: "0123".into(),
        device: "CPU".into(),
        failed: None,
        photos: true,
        gpu: fine,
        halves: fine,
        eight: Some(0.9995),
        firsts: Some(Firsts { right: 19, of: 20, language: Language::English, bundled: Some(18) }),
    }
}

fn firsts(right: u32, bundled: Option<u32>) -> Option<Firsts> {
    Some(Firsts { right, of: 20, language: Language::Chinese, bundled })
}

#[test]
fn it_is_said_whether_the_weights_or_the_maths_of_this_device_are_wrong() {
    let fault = |change: &dyn Fn(&mut Proof), choice| {
        let mut proof = proof();
        change(&mut proof);
        proof.fault(choice)
    };
    let auto = DeviceChoice::Auto;
    assert_eq!(fault(&|_| (), auto), None);
    assert_eq!(fault(&|p| p.firsts = firsts(10, None), auto), None);
    let wrong = Fault::Weights { right: 9, of: 20 };
    assert_eq!(fault(&|p| p.firsts = firsts(9, None), auto), Some(wrong.clone()));
    assert_eq!(fault(&|p| p.firsts = firsts(9, Some(17)), auto), Some(wrong));
    assert_eq!(fault(&|p| p.firsts = firsts(9, Some(2)), auto), Some(Fault::Computer { bundled: 2, of: 20 }));
    let far = Some(Agreement { photos: Some(0.9), sentences: 0.9999 });
    assert_eq!(fault(&|p| p.gpu = far, auto), Some(Fault::Gpu { cosine: 0.9 }));
    assert_eq!(fault(&|p| p.gpu = far, DeviceChoice::Cpu), None, "the GPU is not in use");
    assert_eq!(fault(&|p| p.halves = far, DeviceChoice::Cpu), Some(Fault::Halves { cosine: 0.9 }));
    let reason = "no".to_owned();
    assert_eq!(fault(&|p| p.failed = Some(reason.clone()), auto), Some(Fault::Failed { reason: reason.clone() }));
    let none = Some(Agreement { photos: None, sentences: f32::NAN });
    assert!(matches!(fault(&|p| p.gpu = none, auto), Some(Fault::Gpu { .. })), "what is no number agrees with nothing");
    // Without sample photos nothing speaks against it.
    assert_eq!(fault(&|p| p.firsts = None, auto), None);
}

#[test]
fn eight_bits_are_used_where_they_were_found_near_enough() {
    let uses = |eight| Proof { eight, ..proof() }.uses_eight_bits();
    assert!(uses(Some(0.99)) && !uses(Some(0.98)) && !uses(Some(f32::NAN)) && !uses(None));
}

#[test]
fn a_proof_is_that_of_one_model_and_one_measurement() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(Proof::read(dir.path(), "0123"), None);
    let write = |proof: &Proof| {
        std::fs::write(dir.path().join(Proof::file_name()), serde_json::to_vec(proof).unwrap()).unwrap();
    };
    write(&proof());
    assert_eq!(Proof::read(dir.path(), "0123"), Some(proof()));
    assert_eq!(Proof::read(dir.path(), "4567"), None);
    write(&Proof { version: VERSION + 1, ..proof() });
    assert_eq!(Proof::read(dir.path(), "0123"), None);
    std::fs::write(dir.path().join(Proof::file_name()), "{").unwrap();
    assert_eq!(Proof::read(dir.path(), "0123"), None);
}

#[test]
fn each_sentence_is_of_a_photo_of_its_own() {
    let photos: std::collections::BTreeSet<&str> = SENTENCES.iter().map(|sentence| sentence.photo).collect();
    assert_eq!(photos.len(), SENTENCES.len());
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../assets/samples");
    for photo in photos {
        assert!(samples.join(photo).is_file(), "{photo}");
    }
}
