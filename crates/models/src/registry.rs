//! The families of denoising networks, by diffusers' `_class_name`. Adding one takes a folder and a line here.

use burn::module::{Devices, Module, ModuleMapper, ModuleVisitor};
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use crate::unet2d::{UNet2DConfig, UNet2DModel};
use whence_base::{Error, Result};
use whence_nn::SampleShape;
use whence_nn::layers::DropoutRng;
use whence_nn::weights::Source;

/// What the samples of a batch are conditioned on, one entry per sample.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Conditions {
    /// Nothing.
    #[default]
    None,
    /// A class label each.
    Classes(Vec<usize>),
}

impl Conditions {
    /// The class labels; none for unconditional batches.
    pub fn classes(&self) -> Option<&[usize]> {
        match self {
            Self::None => None,
            Self::Classes(labels) => Some(labels),
        }
    }
}

/// What a family's settings (`config.json`) say.
pub trait FamilyConfig: Sized {
    /// Reads a `config.json`. `place` names the file in errors.
    ///
    /// # Errors
    /// Options this program does not know, and settings that contradict each other, each by name.
    fn from_json(text: &str, place: &str) -> Result<Self>;

    /// The text of a `config.json` that diffusers opens.
    ///
    /// # Errors
    /// None in practice; serialisation of plain data.
    fn to_json(&self) -> Result<String>;

    /// Shape of one sample.
    ///
    /// # Errors
    /// Where the settings do not say it.
    fn sample_shape(&self) -> Result<SampleShape>;

    /// Number of classes of a class-conditional network.
    fn classes(&self) -> Option<usize>;
}

/// What a family's network does.
pub trait Family: Module {
    /// Its settings.
    type Config: FamilyConfig;

    /// Builds the network on `device`, its parameters from `source`.
    ///
    /// # Errors
    /// Those of the source, and settings that do not fit together.
    fn build(config: &Self::Config, source: &mut dyn Source, device: &Device) -> Result<Self>;

    /// The settings it was built from.
    fn config(&self) -> &Self::Config;

    /// The prediction for noisy samples `x` `[batch, channels, height, width]`, one timestep and condition per sample.
    /// `rng` is given while training and switches dropout on.
    fn forward(&self, x: Tensor<4>, timesteps: &[usize], conditions: &Conditions, rng: DropoutRng<'_>) -> Tensor<4>;

    /// Output of the middle of the network, where the resolution is lowest: `[batch, channels, height, width]`.
    fn bottleneck(&self, x: Tensor<4>, timesteps: &[usize], conditions: &Conditions) -> Tensor<4>;
}

macro_rules! families {
    ($($name:literal => $variant:ident($module:ty, $config:ty)),+ $(,)?) => {
        /// A denoising network of any family.
        #[derive(Clone, Debug)]
        pub enum Network {
            $(#[doc = concat!("diffusers' `", $name, "`.")] $variant($module),)+
        }

        /// Settings of a denoising network of any family.
        #[derive(Clone, Debug, PartialEq)]
        pub enum NetworkConfig {
            $(#[doc = concat!("Of diffusers' `", $name, "`.")] $variant(Box<$config>),)+
        }

        /// The class names of all families.
        pub const CLASS_NAMES: &[&str] = &[$($name),+];

        impl NetworkConfig {
            /// Reads a `config.json`, of the family that its `_class_name` names. `place` names the file in errors.
            ///
            /// # Errors
            /// Text that is not JSON, families this program does not know, and those of the family.
            pub fn from_json(text: &str, place: &str) -> Result<Self> {
                let class = class_name(text, place)?;
                match class.as_str() {
                    $($name => <$config as FamilyConfig>::from_json(text, place).map(|c| Self::$variant(Box::new(c))),)+
                    other => Err(unknown_class(other, place)),
                }
            }

            /// The text of a `config.json` that diffusers opens.
            ///
            /// # Errors
            /// None in practice; serialisation of plain data.
            pub fn to_json(&self) -> Result<String> {
                match self { $(Self::$variant(config) => FamilyConfig::to_json(config.as_ref()),)+ }
            }

            /// diffusers' name of the family.
            pub fn class_name(&self) -> &'static str {
                match self { $(Self::$variant(_) => $name,)+ }
            }

            /// Shape of one sample.
            ///
            /// # Errors
            /// Where the settings do not say it.
            pub fn sample_shape(&self) -> Result<SampleShape> {
                match self { $(Self::$variant(config) => FamilyConfig::sample_shape(config.as_ref()),)+ }
            }

            /// Number of classes of a class-conditional network.
            pub fn classes(&self) -> Option<usize> {
                match self { $(Self::$variant(config) => FamilyConfig::classes(config.as_ref()),)+ }
            }
        }

        impl Network {
            /// Builds a network on `device`, its parameters from `source`.
            ///
            /// # Errors
            /// Those of the source, and settings that do not fit together.
            pub fn build(config: &NetworkConfig, source: &mut dyn Source, device: &Device) -> Result<Self> {
                match config {
                    $(NetworkConfig::$variant(config) => <$module as Family>::build(config, source, device).map(Self::$variant),)+
                }
            }

            /// The settings it was built from.
            pub fn config(&self) -> NetworkConfig {
                match self { $(Self::$variant(network) => NetworkConfig::$variant(Box::new(Family::config(network).clone())),)+ }
            }

            /// The prediction for noisy samples `x` `[batch, channels, height, width]`, one timestep and condition per
            /// sample. `rng` is given while training and switches dropout on.
            pub fn forward(
                &self,
                x: Tensor<4>,
                timesteps: &[usize],
                conditions: &Conditions,
                rng: DropoutRng<'_>,
            ) -> Tensor<4> {
                match self { $(Self::$variant(network) => Family::forward(network, x, timesteps, conditions, rng),)+ }
            }

            /// Output of the middle of the network, where the resolution is lowest: `[batch, channels, height, width]`.
            pub fn bottleneck(&self, x: Tensor<4>, timesteps: &[usize], conditions: &Conditions) -> Tensor<4> {
                match self { $(Self::$variant(network) => Family::bottleneck(network, x, timesteps, conditions),)+ }
            }
        }

        // By hand, because a derived enum would put its variant's name before every parameter's name.
        impl Module for Network {
            fn collect_devices(&self, devices: Devices) -> Devices {
                match self { $(Self::$variant(network) => network.collect_devices(devices),)+ }
            }
            fn fork(self, device: &Device) -> Self {
                match self { $(Self::$variant(network) => Self::$variant(network.fork(device)),)+ }
            }
            fn to_device(self, device: &Device) -> Self {
                match self { $(Self::$variant(network) => Self::$variant(network.to_device(device)),)+ }
            }
            fn train(self) -> Self {
                match self { $(Self::$variant(network) => Self::$variant(network.train()),)+ }
            }
            fn valid(&self) -> Self {
                match self { $(Self::$variant(network) => Self::$variant(network.valid()),)+ }
            }
            fn materialize(self) -> Self {
                match self { $(Self::$variant(network) => Self::$variant(network.materialize()),)+ }
            }
            fn visit<V: ModuleVisitor>(&self, visitor: &mut V) {
                match self { $(Self::$variant(network) => network.visit(visitor),)+ }
            }
            fn map<M: ModuleMapper>(self, mapper: &mut M) -> Self {
                match self { $(Self::$variant(network) => Self::$variant(network.map(mapper)),)+ }
            }
        }
    };
}

families! {
    "UNet2DModel" => UNet2D(UNet2DModel, UNet2DConfig),
}

/// A network sized for samples of this shape, to be trained from a random start.
pub fn default_network(shape: SampleShape) -> NetworkConfig {
    NetworkConfig::UNet2D(Box::new(UNet2DConfig::for_samples(shape)))
}

impl Default for NetworkConfig {
    /// diffusers' defaults of its oldest family.
    fn default() -> Self {
        Self::UNet2D(Box::default())
    }
}

/// As the settings of its family. The class name is left out where it is the default family's, which is how training
/// settings have always been written.
impl Serialize for NetworkConfig {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::UNet2D(config) => config.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for NetworkConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error as _;
        let mut value = serde_json::Map::<String, Value>::deserialize(deserializer)?;
        value.entry("_class_name").or_insert_with(|| "UNet2DModel".into());
        let text = serde_json::to_string(&value).map_err(D::Error::custom)?;
        Self::from_json(&text, "network settings").map_err(D::Error::custom)
    }
}

/// The `_class_name` of a `config.json`.
fn class_name(text: &str, place: &str) -> Result<String> {
    let value: Value = serde_json::from_str(text)
        .map_err(|e| Error::input(format!("this is not JSON: {e}"), place, "copy or save the model again"))?;
    value.get("_class_name").and_then(Value::as_str).map(str::to_owned).ok_or_else(|| {
        Error::input(
            "the file does not say which network it describes (it has no _class_name)",
            place,
            "save the model again with diffusers' save_pretrained",
        )
    })
}

fn unknown_class(class: &str, place: &str) -> Error {
    if class == "UNet2DConditionModel" {
        return Error::input(
            "this is the network of a text-to-image model (UNet2DConditionModel), which Whence does not open yet",
            place,
            "choose a model with a UNet2DModel: unconditional or class-conditional",
        );
    }
    Error::input(
        format!("networks of the class {class} are not supported"),
        place,
        format!("choose a model whose network is one of {}", CLASS_NAMES.join(", ")),
    )
}
