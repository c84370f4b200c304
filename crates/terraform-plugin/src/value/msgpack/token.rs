//! Reads MessagePack token by token, so that a message needs no second tree in memory.

use std::io;

use rmp::Marker;
use rmp::decode::{
    read_array_len, read_bin_len, read_ext_meta, read_f32, read_f64, read_int, read_map_len,
    read_str_len, read_u64,
};

use crate::value::Problem;

/// A scalar, or the begin of an array or a map.
#[derive(Clone, Copy, Debug)]
pub(super) enum Token<'a> {
    Nil,
    Bool(bool),
    Integer(i64),
    /// An integer that may be too large for 64 bits with a sign.
    Unsigned(u64),
    Float(f64),
    /// Text, which may be invalid UTF-8.
    Text(&'a [u8]),
    Bytes(&'a [u8]),
    /// The number of elements that follow.
    Array(usize),
    /// The number of pairs that follow.
    Map(usize),
    /// An extension value. Its content is skipped.
    Extension,
}

impl<'a> Token<'a> {
    /// Reads the next token from the front of `rest`.
    ///
    /// # Errors
    /// [`Problem::NotMessagePack`].
    pub(super) fn read(rest: &mut &'a [u8]) -> Result<Self, Problem> {
        let marker = rest.first().ok_or_else(cut_off)?;
        match Marker::from_u8(*marker) {
            Marker::Null => skip(rest, Self::Nil),
            Marker::True => skip(rest, Self::Bool(true)),
            Marker::False => skip(rest, Self::Bool(false)),
            Marker::U64 => read_u64(rest).map(Self::Unsigned).map_err(|_| cut_off()),
            Marker::FixPos(_)
            | Marker::FixNeg(_)
            | Marker::U8
            | Marker::U16
            | Marker::U32
            | Marker::I8
            | Marker::I16
            | Marker::I32
            | Marker::I64 => read_int(rest).map(Self::Integer).map_err(|_| cut_off()),
            Marker::F32 => {
                let float = read_f32(rest).map_err(|_| cut_off())?;
                Ok(Self::Float(float.into()))
            }
            Marker::F64 => read_f64(rest).map(Self::Float).map_err(|_| cut_off()),
            Marker::FixStr(_) | Marker::Str8 | Marker::Str16 | Marker::Str32 => {
                let length = read_str_len(rest).map_err(|_| cut_off())?;
                take(rest, length).map(Self::Text)
            }
            Marker::Bin8 | Marker::Bin16 | Marker::Bin32 => {
                let length = read_bin_len(rest).map_err(|_| cut_off())?;
                take(rest, length).map(Self::Bytes)
            }
            Marker::FixArray(_) | Marker::Array16 | Marker::Array32 => {
                let length = read_array_len(rest).map_err(|_| cut_off())?;
                size(length).map(Self::Array)
            }
            Marker::FixMap(_) | Marker::Map16 | Marker::Map32 => {
                let length = read_map_len(rest).map_err(|_| cut_off())?;
                size(length).map(Self::Map)
            }
            Marker::FixExt1
            | Marker::FixExt2
            | Marker::FixExt4
            | Marker::FixExt8
            | Marker::FixExt16
            | Marker::Ext8
            | Marker::Ext16
            | Marker::Ext32 => {
                let extension = read_ext_meta(rest).map_err(|_| cut_off())?;
                take(rest, extension.size).map(|_| Self::Extension)
            }
            Marker::Reserved => Err(Problem::NotMessagePack(io::ErrorKind::InvalidData.into())),
        }
    }

    /// The name of the token in a message.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Nil => "null",
            Self::Bool(_) => "a bool",
            Self::Integer(_) | Self::Unsigned(_) | Self::Float(_) => "a number",
            Self::Text(_) => "a string",
            Self::Bytes(_) => "bytes",
            Self::Array(_) => "an array",
            Self::Map(_) => "a map",
            Self::Extension => "an unknown value",
        }
    }
}

/// The error for bytes that end too early.
pub(super) fn cut_off() -> Problem {
    Problem::NotMessagePack(io::ErrorKind::UnexpectedEof.into())
}

fn skip<'a>(rest: &mut &[u8], token: Token<'a>) -> Result<Token<'a>, Problem> {
    take(rest, 1).map(|_| token)
}

fn take<'a>(rest: &mut &'a [u8], length: u32) -> Result<&'a [u8], Problem> {
    let taken;
    (taken, *rest) = rest.split_at_checked(size(length)?).ok_or_else(cut_off)?;
    Ok(taken)
}

fn size(length: u32) -> Result<usize, Problem> {
    usize::try_from(length).map_err(|_| cut_off())
}
