//! Whether the tensors of a model hold what they say.
//!
//! ONNX Runtime checks this too, but after its shape inference, which trusts them and reads beyond
//! the end of those that are too short (seen in 1.24).

use onnx_protobuf::TensorProto;
use onnx_protobuf::tensor_proto::DataType;
use protobuf::Enum;

/// A sentence on what is wrong with `tensor`, if anything. Types that are not known here are left to
/// ONNX Runtime.
pub fn fault(tensor: &TensorProto) -> Option<String> {
    let name = &tensor.name;
    let Some(values) = count(&tensor.dims) else {
        let sides = &tensor.dims;
        return Some(format!("its tensor '{name}' has the sides {sides:?}"));
    };
    let storage = Storage::of(tensor)?;
    let (found, wanted, unit) = match tensor.raw_data.is_empty() {
        true => (storage.listed, storage.numbers(values), "numbers"),
        false => (tensor.raw_data.len(), storage.bytes(values), "bytes"),
    };
    (found != wanted).then(|| {
        format!("its tensor '{name}' holds {found} {unit}, and its sides ask for {wanted}")
    })
}

/// The number of values; nothing where a side is negative or no memory could hold so many.
fn count(dims: &[i64]) -> Option<usize> {
    let count = dims.iter().try_fold(1usize, |product, &side| {
        product.checked_mul(usize::try_from(side).ok()?)
    });
    count.filter(|&values| values <= usize::MAX / WIDEST)
}

/// Bits of the widest type's values.
const WIDEST: usize = 128;

/// How a tensor keeps its values: as raw bytes, or as numbers in the list for its type.
struct Storage {
    /// Of a value.
    bits: usize,
    /// Numbers that the list has.
    listed: usize,
}

impl Storage {
    fn of(tensor: &TensorProto) -> Option<Self> {
        use DataType as T;
        let (bits, listed) = match T::from_i32(tensor.data_type)? {
            T::UNDEFINED => return None,
            T::UINT4 | T::INT4 => (4, tensor.int32_data.len()),
            T::UINT8 | T::INT8 | T::BOOL => (8, tensor.int32_data.len()),
            T::FLOAT8E4M3FN | T::FLOAT8E4M3FNUZ | T::FLOAT8E5M2 | T::FLOAT8E5M2FNUZ => {
                (8, tensor.int32_data.len())
            }
            T::UINT16 | T::INT16 | T::FLOAT16 | T::BFLOAT16 => (16, tensor.int32_data.len()),
            T::INT32 => (32, tensor.int32_data.len()),
            T::FLOAT => (32, tensor.float_data.len()),
            T::UINT32 => (32, tensor.uint64_data.len()),
            T::INT64 => (64, tensor.int64_data.len()),
            T::UINT64 => (64, tensor.uint64_data.len()),
            T::DOUBLE => (64, tensor.double_data.len()),
            T::STRING => (64, tensor.string_data.len()),
            // Two numbers a value.
            T::COMPLEX64 => (64, tensor.float_data.len() / 2),
            T::COMPLEX128 => (WIDEST, tensor.double_data.len() / 2),
        };
        Some(Self { bits, listed })
    }

    /// The numbers that `values` take in the list: values of four bits share one.
    fn numbers(&self, values: usize) -> usize {
        match self.bits {
            4 => values.div_ceil(2),
            _ => values,
        }
    }

    /// The raw bytes that `values` take.
    fn bytes(&self, values: usize) -> usize {
        (values * self.bits).div_ceil(8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tensor(ty: DataType, dims: &[i64]) -> TensorProto {
        TensorProto {
            name: "weights".into(),
            data_type: ty as i32,
            dims: dims.to_vec(),
            ..Default::default()
        }
    }

    #[test]
    fn tensors_that_hold_what_they_say_are_sound() {
        let raw = |ty, dims: &[i64], bytes| TensorProto {
            raw_data: vec![0; bytes],
            ..tensor(ty, dims)
        };
        for sound in [
            raw(DataType::FLOAT, &[2, 3], 24),
            raw(DataType::BFLOAT16, &[], 2),
            raw(DataType::INT4, &[3], 2),
            raw(DataType::COMPLEX128, &[1], 16),
            tensor(DataType::FLOAT, &[0, 7]),
            TensorProto {
                int64_data: vec![2, 3],
                ..tensor(DataType::INT64, &[2])
            },
            TensorProto {
                int32_data: vec![1; 2],
                ..tensor(DataType::UINT4, &[3])
            },
        ] {
            assert_eq!(fault(&sound), None, "{sound:?}");
        }
    }

    #[test]
    fn others_are_named_with_what_they_hold() {
        let short = TensorProto {
            raw_data: vec![2, 3],
            ..tensor(DataType::INT64, &[2])
        };
        let fault_of = |tensor: &TensorProto| fault(tensor).unwrap_or_default();
        for part in ["'weights'", "2 bytes", "16"] {
            assert!(fault_of(&short).contains(part), "{}", fault_of(&short));
        }
        let empty = tensor(DataType::FLOAT, &[5]);
        assert!(fault_of(&empty).contains("0 numbers"));
        for dims in [&[-3][..], &[i64::MAX, i64::MAX], &[i64::MAX]] {
            let message = fault_of(&tensor(DataType::FLOAT, dims));
            assert!(message.contains("sides"), "{message}");
        }
    }
}
