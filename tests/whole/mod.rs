mod network;
mod samplers;
