//! The product's binary, started by hosts and by hand.

mod binary;
mod by_hand;
