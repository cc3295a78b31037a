use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use sightline_vlm::DeviceKind;

use super::fake::{Fake, FakeSource, tiny_preprocess};
use super::*;

fn host(fake: &Arc<Fake>, device: DeviceChoice) -> ModelHost {
    ModelHost::start(Arc::new(FakeSource(fake.clone())), device).unwrap()
}

fn photos(count: usize) -> Vec<ModelInput> {
    (0..count).map(|_| tiny_preprocess().prepare(1, 1, &[255, 0, 0]).unwrap()).collect()
}

#[test]
fn nothing_is_loaded_before_it_is_needed_and_only_once() {
    let fake = Fake::new();
    let host = host(&fake, DeviceChoice::Cpu);
    assert_eq!(host.spec().unwrap().id, "fake-1");
    assert_eq!(fake.loads.load(Ordering::SeqCst), 0);
    for _ in 0..3 {
        assert_eq!(host.embed_images(Lane::Batch, photos(5)).wait().unwrap().len(), 5);
    }
    assert_eq!(fake.loads.load(Ordering::SeqCst), 1);
}

#[test]
fn a_gpu_that_fails_hands_its_batch_to_the_cpu() {
    let fake = Fake::new();
    fake.gpu_fails.store(true, Ordering::SeqCst);
    let host = host(&fake, DeviceChoice::Auto);
    assert_eq!(host.embed_images(Lane::Batch, photos(7)).wait().unwrap().len(), 7);
    let device = host.ready(Lane::Interactive).wait().unwrap().device;
    assert_eq!(device.kind, DeviceKind::Cpu);
    assert!(device.reason.contains("lost"), "{}", device.reason);
    assert_eq!(fake.embedded(), 7);
}

#[test]
fn a_panic_on_the_gpu_is_tried_once_more_on_the_cpu() {
    let fake = Fake::new();
    fake.panics.store(true, Ordering::SeqCst);
    let host = host(&fake, DeviceChoice::Auto);
    assert!(host.embed_images(Lane::Batch, photos(1)).wait().is_ok());
}

#[test]
fn a_panic_on_the_cpu_is_an_error_and_the_next_request_works() {
    let fake = Fake::new();
    fake.panics.store(true, Ordering::SeqCst);
    let host = host(&fake, DeviceChoice::Cpu);
    let error = host.embed_images(Lane::Batch, photos(1)).wait().unwrap_err();
    assert_eq!(error.code(), "model_panicked");
    assert!(host.embed_images(Lane::Batch, photos(1)).wait().is_ok());
}

#[test]
fn a_person_does_not_wait_for_the_batches_queued_before() {
    let fake = Fake::new();
    fake.delay_ms.store(20, Ordering::SeqCst);
    let host = host(&fake, DeviceChoice::Cpu);
    let batches: Vec<_> = (0..3).map(|_| host.embed_images(Lane::Batch, photos(20))).collect();
    let started = Instant::now();
    host.embed_texts(Lane::Interactive, vec!["red".into()]).wait().unwrap();
    assert!(started.elapsed() < Duration::from_millis(300), "{:?}", started.elapsed());
    for batch in batches {
        assert_eq!(batch.wait().unwrap().len(), 20);
    }
}
