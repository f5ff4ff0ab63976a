//! The network's settings, as diffusers writes them in `config.json`.

use serde::{Deserialize, Serialize};

use whence_base::files::shortened;
use whence_base::{Error, Result};
use whence_nn::SampleShape;

/// Settings of a [`UNet2DModel`](super::UNet2DModel): diffusers' own names and defaults.
///
/// An option or a value that this program does not know is refused by name, never ignored: a network that silently
/// lacks a part would score images wrongly.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct UNet2DConfig {
    /// Height and width of the square image in pixels, or `[height, width]`.
    pub sample_size: Option<SampleSize>,
    /// Channels of the sample: for images 3 for colour, 1 for grey.
    pub in_channels: usize,
    /// Channels of the prediction; must equal `in_channels`.
    pub out_channels: usize,
    /// Maps the input from [0, 1] to [-1, 1] before the first layer.
    pub center_input_sample: bool,
    /// Encoding of the timestep.
    pub time_embedding_type: TimeEmbeddingType,
    /// Width of the time embedding; four times the channels of the first block where absent.
    pub time_embedding_dim: Option<usize>,
    /// Shift in the denominator of the sinusoidal frequencies.
    pub freq_shift: i64,
    /// Cosines before sines in the time embedding.
    pub flip_sin_to_cos: bool,
    /// Blocks from full to lowest resolution.
    pub down_block_types: Vec<DownBlockType>,
    /// The block between; none where null.
    pub mid_block_type: Option<MidBlockType>,
    /// Blocks from lowest to full resolution.
    pub up_block_types: Vec<UpBlockType>,
    /// Channels of each down block.
    pub block_out_channels: Vec<usize>,
    /// Residual blocks of each down block; up blocks have one more.
    pub layers_per_block: usize,
    /// Divides the middle block's residual sums.
    pub mid_block_scale_factor: f64,
    /// Padding of strided convolutions; 0 pads one pixel at the right and bottom instead.
    pub downsample_padding: usize,
    /// Down-sampling inside attention blocks.
    pub downsample_type: Resampling,
    /// Up-sampling inside attention blocks.
    pub upsample_type: Resampling,
    /// Probability of dropping an activation while training.
    pub dropout: f64,
    /// Activation function.
    pub act_fn: Activation,
    /// Channels of an attention head; one head over all channels where null.
    pub attention_head_dim: Option<usize>,
    /// Groups of every group normalisation.
    pub norm_num_groups: usize,
    /// Groups of the normalisation before the middle block's attention.
    pub attn_norm_num_groups: Option<usize>,
    /// Added to the variance in group normalisation.
    pub norm_eps: f64,
    /// How the time embedding enters a residual block.
    pub resnet_time_scale_shift: TimeScaleShift,
    /// Attention in the middle block.
    pub add_attention: bool,
    /// Kind of class embedding; null means a table, where `num_class_embeds` is set.
    pub class_embed_type: Option<NoClassEmbedType>,
    /// Number of classes of a class-conditional model.
    pub num_class_embeds: Option<usize>,
    /// Only used by learned time embeddings, which are refused; kept so that the file is written back as it was.
    pub num_train_timesteps: Option<usize>,
}

impl Default for UNet2DConfig {
    fn default() -> Self {
        Self {
            sample_size: None,
            in_channels: 3,
            out_channels: 3,
            center_input_sample: false,
            time_embedding_type: TimeEmbeddingType::Positional,
            time_embedding_dim: None,
            freq_shift: 0,
            flip_sin_to_cos: true,
            down_block_types: vec![
                DownBlockType::DownBlock2D,
                DownBlockType::AttnDownBlock2D,
                DownBlockType::AttnDownBlock2D,
                DownBlockType::AttnDownBlock2D,
            ],
            mid_block_type: Some(MidBlockType::UNetMidBlock2D),
            up_block_types: vec![
                UpBlockType::AttnUpBlock2D,
                UpBlockType::AttnUpBlock2D,
                UpBlockType::AttnUpBlock2D,
                UpBlockType::UpBlock2D,
            ],
            block_out_channels: vec![224, 448, 672, 896],
            layers_per_block: 2,
            mid_block_scale_factor: 1.0,
            downsample_padding: 1,
            downsample_type: Resampling::Conv,
            upsample_type: Resampling::Conv,
            dropout: 0.0,
            act_fn: Activation::Silu,
            attention_head_dim: Some(8),
            norm_num_groups: 32,
            attn_norm_num_groups: None,
            norm_eps: 1e-5,
            resnet_time_scale_shift: TimeScaleShift::Default,
            add_attention: true,
            class_embed_type: None,
            num_class_embeds: None,
            num_train_timesteps: None,
        }
    }
}

/// Size of a sample, in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum SampleSize {
    /// Equal height and width.
    Square(usize),
    /// Height, width.
    Rectangle([usize; 2]),
}

/// Kinds of time embedding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimeEmbeddingType {
    /// Sinusoidal position encoding of the timestep.
    Positional,
}

/// Kinds of down block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DownBlockType {
    /// Residual blocks.
    DownBlock2D,
    /// Residual blocks with attention after each.
    AttnDownBlock2D,
}

/// Kinds of middle block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum MidBlockType {
    /// Two residual blocks with attention between them.
    UNetMidBlock2D,
}

/// Kinds of up block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum UpBlockType {
    /// Residual blocks.
    UpBlock2D,
    /// Residual blocks with attention after each.
    AttnUpBlock2D,
}

/// How attention blocks change the resolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Resampling {
    /// A convolution.
    Conv,
    /// A residual block.
    Resnet,
}

/// Activation functions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Activation {
    /// Sigmoid linear unit, x sigmoid(x).
    #[serde(alias = "swish")]
    Silu,
}

/// How the time embedding enters a residual block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimeScaleShift {
    /// Added after the first convolution.
    Default,
    /// As scale and shift after the second normalisation (adaptive group normalisation, Dhariwal and Nichol 2021).
    ScaleShift,
}

/// Class embeddings other than a table are not supported, so this has no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum NoClassEmbedType {}

/// Saving the model again would not help where a setting is not supported.
const UNSUPPORTED: &str = "Whence cannot run networks with this setting: choose another model";

impl UNet2DConfig {
    /// Reads a `config.json`. `place` names the file in errors.
    ///
    /// # Errors
    /// Text that is no JSON, another class of network, options or values this program does not know, and settings that
    /// contradict each other, each by name.
    pub fn from_json(text: &str, place: &str) -> Result<Self> {
        let remedy = "Whence runs diffusers UNet2DModel networks; save the model again with diffusers' save_pretrained";
        let mut value: serde_json::Map<String, serde_json::Value> = serde_json::from_str(text).map_err(|e| {
            let what = format!("this is not a whole JSON object: {e}");
            Error::input(what, place, "the file may be cut short or damaged: copy it again")
        })?;
        let class = value.get("_class_name").and_then(|v| v.as_str()).unwrap_or("nothing");
        if class != "UNet2DModel" {
            return Err(Error::input(format!("the network class is {class}, not UNet2DModel"), place, remedy));
        }
        // Keys with an underscore are diffusers' own notes (class, version, origin), not settings.
        value.retain(|key, _| !key.starts_with('_'));
        let unsupported = |key: &str, e: &serde_json::Error| {
            let what = format!("unsupported network setting {key}: {}", shortened(&e.to_string()));
            Error::input(what, place, remedy)
        };
        // One by one first: the error of the whole names neither key nor place.
        for (key, value) in &value {
            let alone = serde_json::Map::from_iter([(key.clone(), value.clone())]);
            serde_json::from_value::<Self>(alone.into()).map_err(|e| unsupported(key, &e))?;
        }
        let config: Self = serde_json::from_value(value.into()).map_err(|e| unsupported("together", &e))?;
        config.check(place)?;
        Ok(config)
    }

    /// The text of a `config.json` that diffusers opens.
    ///
    /// # Errors
    /// None in practice; serialisation of plain data.
    pub fn to_json(&self) -> Result<String> {
        let mut map = serde_json::Map::new();
        map.insert("_class_name".into(), "UNet2DModel".into());
        map.insert("_diffusers_version".into(), "0.42.1".into());
        let value =
            serde_json::to_value(self).map_err(|e| Error::internal(format!("config.json cannot be encoded: {e}")))?;
        if let serde_json::Value::Object(settings) = value {
            map.extend(settings);
        }
        serde_json::to_string_pretty(&map).map_err(|e| Error::internal(format!("config.json cannot be encoded: {e}")))
    }

    /// Shape of the images the network works on.
    ///
    /// # Errors
    /// Where `sample_size` is absent.
    pub fn sample_shape(&self) -> Result<SampleShape> {
        let (height, width) = match self.sample_size {
            Some(SampleSize::Square(side)) => (side, side),
            Some(SampleSize::Rectangle([height, width])) => (height, width),
            None => {
                return Err(Error::input(
                    "the model's configuration gives no image size",
                    "config.json: sample_size",
                    "write the side in pixels there",
                ));
            }
        };
        Ok(SampleShape { channels: self.in_channels, height, width })
    }

    /// Width of the time embedding.
    pub(super) fn time_embed_dim(&self) -> usize {
        self.time_embedding_dim.unwrap_or_else(|| 4 * self.first_channels())
    }

    /// Channels at full resolution.
    pub(super) fn first_channels(&self) -> usize {
        self.block_out_channels.first().copied().unwrap_or(0)
    }

    /// Contradictions and sizes that no network has, found before any memory is taken.
    fn check(&self, place: &str) -> Result<()> {
        let refuse = |what: String| Err(Error::input(what, place, "correct the file, or save the model again"));
        let blocks = self.block_out_channels.len();
        if blocks == 0 || self.down_block_types.len() != blocks || self.up_block_types.len() != blocks {
            return refuse(format!(
                "block_out_channels, down_block_types and up_block_types name {blocks}, {} and {} blocks",
                self.down_block_types.len(),
                self.up_block_types.len()
            ));
        }
        if blocks > 16 || self.layers_per_block == 0 || self.layers_per_block > 64 {
            return refuse(format!("{blocks} blocks of {} layers cannot be right", self.layers_per_block));
        }
        if self.in_channels == 0 || self.in_channels > 64 || self.in_channels != self.out_channels {
            return refuse(format!(
                "in_channels is {} and out_channels {}; both must be the image's channels",
                self.in_channels, self.out_channels
            ));
        }
        if self.norm_num_groups == 0 || self.norm_eps.is_nan() || self.norm_eps < 0.0 {
            return refuse("norm_num_groups must be positive and norm_eps not negative".into());
        }
        if !(0.0..1.0).contains(&self.dropout) {
            return refuse(format!("dropout is {}, not a probability below 1", self.dropout));
        }
        if self.downsample_padding > 1 {
            return refuse(format!("downsample_padding is {}; Whence knows 0 and 1", self.downsample_padding));
        }
        if !self.mid_block_scale_factor.is_normal() {
            return refuse(format!("mid_block_scale_factor is {}", self.mid_block_scale_factor));
        }
        for (index, &channels) in self.block_out_channels.iter().enumerate() {
            if channels == 0 || channels > 1 << 16 {
                return refuse(format!("block_out_channels[{index}] is {channels}"));
            }
            if !channels.is_multiple_of(self.norm_num_groups) {
                return refuse(format!(
                    "block_out_channels[{index}] = {channels} is not a multiple of norm_num_groups = {}",
                    self.norm_num_groups
                ));
            }
            let attends = self.down_block_types.get(index) == Some(&DownBlockType::AttnDownBlock2D)
                || self.up_block_types.iter().rev().nth(index) == Some(&UpBlockType::AttnUpBlock2D)
                || (index + 1 == blocks && self.mid_block_type.is_some() && self.add_attention);
            if let Some(head) = self.attention_head_dim.filter(|_| attends)
                && (head == 0 || !channels.is_multiple_of(head))
            {
                return refuse(format!(
                    "block_out_channels[{index}] = {channels} is not a multiple of attention_head_dim = {head}"
                ));
            }
        }
        if let Some(groups) = self.attn_norm_num_groups
            && (groups == 0 || !self.block_out_channels.last().is_some_and(|c| c.is_multiple_of(groups)))
        {
            return refuse(format!("attn_norm_num_groups = {groups} does not divide the middle block's channels"));
        }
        if self.time_embed_dim() == 0 || self.time_embed_dim() > 1 << 16 {
            return refuse(format!("time_embedding_dim is {}", self.time_embed_dim()));
        }
        if self.first_channels() < 4 || self.freq_shift >= (self.first_channels() / 2) as i64 {
            return refuse(format!("freq_shift = {} leaves no frequencies", self.freq_shift));
        }
        if self.num_class_embeds.is_some_and(|n| n == 0 || n > 1 << 20) {
            return refuse("num_class_embeds must be between 1 and 1,048,576".into());
        }
        if self.sample_size.is_some() {
            let shape = self.sample_shape()?;
            let divisor = 1usize << (blocks - 1);
            for side in [shape.height, shape.width] {
                if side == 0 || side > 4096 || !side.is_multiple_of(divisor) {
                    return refuse(format!("sample_size {side} cannot be halved {} times", blocks - 1));
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unsupported_setting_is_named_and_saving_again_is_not_advised() {
        let text = r#"{"_class_name": "UNet2DModel", "act_fn": "gelu"}"#;
        let error = UNet2DConfig::from_json(text, "config.json").unwrap_err().to_string();
        assert!(error.contains("gelu") && error.contains("another model") && !error.contains("save"), "{error}");
    }
}
