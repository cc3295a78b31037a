//! Which processor computes: the only place that names wgpu or flex.
//!
//! A software adapter (llvmpipe, lavapipe, SwiftShader, WARP) is listed like a GPU and is slower than the
//! CPU path, so it is passed over unless asked for. A GPU must give the right answer to a small
//! computation before it is trusted.

#[cfg(feature = "gpu")]
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::str::FromStr;
use std::sync::Mutex;

use burn::tensor::{Device, DeviceKind as BurnKind};
#[cfg(feature = "gpu")]
use burn::tensor::{Tensor, activation::softmax, module::conv2d, ops::ConvOptions};

use crate::VlmError;

/// What the user asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DeviceChoice {
    /// A real GPU where one works, else the CPU.
    #[default]
    Auto,
    /// A real GPU or an error.
    Gpu,
    /// The CPU.
    Cpu,
    /// A software Vulkan adapter, for tests of the GPU path.
    Software,
}

impl DeviceChoice {
    /// The word from which it is parsed.
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Gpu => "gpu",
            Self::Cpu => "cpu",
            Self::Software => "software",
        }
    }
}

impl FromStr for DeviceChoice {
    type Err = VlmError;

    fn from_str(s: &str) -> Result<Self, VlmError> {
        match s {
            "auto" => Ok(Self::Auto),
            "gpu" => Ok(Self::Gpu),
            "cpu" => Ok(Self::Cpu),
            "software" => Ok(Self::Software),
            _ => Err(VlmError::UnknownSetting {
                what: "device",
                found: s.into(),
                expected: "auto, gpu, cpu or software",
            }),
        }
    }
}

/// The sort of processor chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeviceKind {
    /// The CPU's own vector units.
    Cpu,
    /// A GPU through wgpu (Vulkan, Metal or DX12).
    Gpu,
    /// A software adapter through wgpu.
    SoftwareGpu,
}

/// What was chosen and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceReport {
    /// Name to show.
    pub name: String,
    /// Sort of processor.
    pub kind: DeviceKind,
    /// One sentence: why this one.
    pub reason: String,
}

/// A graphics adapter as the system lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Adapter {
    /// Name that the driver gives.
    pub name: String,
    /// `Vulkan`, `Metal`, `Dx12`...
    pub backend: String,
    /// Whether it is a program that plays a GPU on the CPU.
    pub software: bool,
    kind: BurnKind,
}

/// A device that computes, with the report on its choice.
#[derive(Debug, Clone)]
pub(crate) struct Selected {
    pub device: Device,
    pub report: DeviceReport,
}

/// None: this is built without wgpu.
#[cfg(not(feature = "gpu"))]
pub fn adapters() -> Vec<Adapter> {
    Vec::new()
}

/// All adapters that wgpu lists, software ones included; empty where there is no driver.
#[cfg(feature = "gpu")]
pub fn adapters() -> Vec<Adapter> {
    let listed = catch_unwind(|| {
        // OpenGL is left out: its drivers print on start and have crashed at exit.
        let backends = wgpu::Backends::VULKAN | wgpu::Backends::METAL | wgpu::Backends::DX12;
        let mut descriptor = wgpu::InstanceDescriptor::new_without_display_handle();
        descriptor.backends = backends;
        let instance = wgpu::Instance::new(descriptor);
        pollster::block_on(instance.enumerate_adapters(backends))
            .iter()
            .map(wgpu::Adapter::get_info)
            .collect::<Vec<_>>()
    });
    let mut counts = [0usize; 3];
    let mut next = |kind: usize| {
        counts[kind] += 1;
        counts[kind] - 1
    };
    listed
        .unwrap_or_default()
        .into_iter()
        .filter_map(|info| {
            let kind = match info.device_type {
                wgpu::DeviceType::DiscreteGpu => BurnKind::DiscreteGpu(next(0)),
                wgpu::DeviceType::IntegratedGpu => BurnKind::IntegratedGpu(next(1)),
                wgpu::DeviceType::VirtualGpu => BurnKind::VirtualGpu(next(2)),
                wgpu::DeviceType::Cpu => BurnKind::Cpu,
                wgpu::DeviceType::Other => return None,
            };
            let software = matches!(kind, BurnKind::Cpu);
            Some(Adapter { name: info.name, backend: format!("{:?}", info.backend), software, kind })
        })
        .collect()
}

/// Chooses and opens a device.
///
/// # Errors
/// [`VlmError::NoGpu`] when a GPU (or a software adapter) was asked for by name and none works.
pub(crate) fn select(choice: DeviceChoice) -> Result<Selected, VlmError> {
    let software = match choice {
        DeviceChoice::Cpu => return Ok(cpu("asked for".into())),
        DeviceChoice::Software => true,
        DeviceChoice::Auto | DeviceChoice::Gpu => false,
    };
    let listed = adapters();
    let mut candidates: Vec<&Adapter> = listed.iter().filter(|a| a.software == software).collect();
    candidates.sort_by_key(|a| match a.kind {
        BurnKind::DiscreteGpu(_) => 0,
        BurnKind::IntegratedGpu(_) => 1,
        _ => 2,
    });
    let mut reason = match (listed.is_empty(), candidates.is_empty()) {
        (true, _) => "no graphics adapter found".to_owned(),
        (false, true) if software => "no software adapter found".to_owned(),
        (false, true) => format!("only a software adapter found ({})", listed[0].name),
        _ => String::new(),
    };
    for adapter in candidates {
        match open(adapter) {
            Ok(device) => {
                let kind = if software { DeviceKind::SoftwareGpu } else { DeviceKind::Gpu };
                let report = DeviceReport {
                    name: format!("{} ({})", adapter.name, adapter.backend),
                    kind,
                    reason: if choice == DeviceChoice::Auto { "first GPU that computes right" } else { "asked for" }
                        .into(),
                };
                return Ok(Selected { device, report });
            }
            Err(why) => reason = format!("{} {why}", adapter.name),
        }
    }
    match choice {
        DeviceChoice::Auto => Ok(cpu(reason)),
        _ => Err(VlmError::NoGpu { reason }),
    }
}

fn cpu(reason: String) -> Selected {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let report = DeviceReport { name: format!("CPU ({cores} cores)"), kind: DeviceKind::Cpu, reason };
    Selected { device: Device::flex(), report }
}

/// Adapters that are open. The runtime below is one for the process and refuses to open an adapter twice, so who
/// asks again (the model loaded anew, a lesson beside the search) gets what is there.
static OPEN: Mutex<Vec<(BurnKind, Device)>> = Mutex::new(Vec::new());

/// The adapter's device, opened on the first call.
fn open(adapter: &Adapter) -> Result<Device, String> {
    let mut open = OPEN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some((_, device)) = open.iter().find(|(kind, _)| *kind == adapter.kind) {
        return Ok(device.clone());
    }
    let device = open_anew(adapter)?;
    open.push((adapter.kind.clone(), device.clone()));
    Ok(device)
}

/// There is none to be opened.
#[cfg(not(feature = "gpu"))]
fn open_anew(_: &Adapter) -> Result<Device, String> {
    Err("needs wgpu, which this is built without".into())
}

/// Opens an adapter and holds its answer to a small computation against the CPU's.
#[cfg(feature = "gpu")]
fn open_anew(adapter: &Adapter) -> Result<Device, String> {
    let golden = probe(&Device::flex());
    let answer = catch_unwind(AssertUnwindSafe(|| {
        let device = Device::wgpu_options().device_kind(adapter.kind.clone()).init().map_err(|e| e.to_string())?;
        let answer = probe(&device);
        Ok::<_, String>((device, answer))
    }));
    match answer {
        Err(panic) => Err(format!("cannot be opened: {}", panic_text(&*panic))),
        Ok(Err(error)) => Err(format!("cannot be opened: {error}")),
        Ok(Ok((device, answer))) => {
            let worst = golden.iter().zip(&answer).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            if answer.len() == golden.len() && worst < 1e-3 {
                Ok(device)
            } else {
                Err(format!("computes wrongly (off by {worst:.1e})"))
            }
        }
    }
}

/// A depthwise convolution, a product and a softmax over fixed numbers.
#[cfg(feature = "gpu")]
fn probe(device: &Device) -> Vec<f32> {
    let wave = |n: usize| (0..n).map(|i| (i as f32 * 0.7).sin()).collect::<Vec<_>>();
    let tensor = |n: usize| Tensor::<1>::from_floats(wave(n).as_slice(), device);
    let x = tensor(2 * 8 * 9 * 9).reshape([2, 8, 9, 9]);
    let options = ConvOptions::new([2, 2], [1, 1], [1, 1], 8);
    let convolved = conv2d(x, tensor(8 * 9).reshape([8, 1, 3, 3]), None, options); // [2, 8, 5, 5]
    let rows = convolved.reshape([2 * 8, 25]).matmul(tensor(25 * 16).reshape([25, 16]));
    softmax(rows, 1).into_data().convert::<f32>().try_to_vec::<f32>().expect("converted to f32")
}

/// What a panic said.
pub(crate) fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    panic
        .downcast_ref::<String>()
        .cloned()
        .or_else(|| panic.downcast_ref::<&str>().map(|s| (*s).to_owned()))
        .unwrap_or_else(|| "panic without words".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cpu_is_always_there() {
        let selected = select(DeviceChoice::Cpu).unwrap();
        assert_eq!(selected.report.kind, DeviceKind::Cpu);
    }

    #[test]
    fn a_software_adapter_is_never_chosen_unasked() {
        assert_ne!(select(DeviceChoice::Auto).unwrap().report.kind, DeviceKind::SoftwareGpu);
    }

    #[test]
    fn an_adapter_may_be_asked_for_again_while_it_is_open() {
        if !adapters().iter().any(|a| a.software) {
            eprintln!("SKIPPED: no software Vulkan adapter here");
            return;
        }
        let askers: Vec<_> = (0..3).map(|_| std::thread::spawn(|| select(DeviceChoice::Software))).collect();
        let devices: Vec<Device> = askers.into_iter().map(|a| a.join().unwrap().unwrap().device).collect();
        assert!(devices.iter().all(|device| *device == devices[0]));
    }

    #[test]
    fn device_names_parse_and_others_are_refused() {
        assert_eq!("gpu".parse::<DeviceChoice>().unwrap(), DeviceChoice::Gpu);
        assert!("cuda".parse::<DeviceChoice>().is_err());
    }
}
