//! Data sets in their published layouts, made of small pictures.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::*;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

impl Scratch {
    fn text(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    fn open_split(&self, split: Split) -> Result<Dataset, DataError> {
        Dataset::open(&DatasetOptions {
            split,
            ..self.options()
        })
    }

    fn names_of(&self, split: Split) -> Vec<String> {
        let data = self.open_split(split).unwrap();
        names(&data).into_iter().map(str::to_owned).collect()
    }

    fn evaluated(&self) -> Split {
        Layout::of(self.folder.path()).unwrap().evaluated()
    }
}

/// Six pictures: three to train on, one to validate, two to test.
fn celeba() -> Scratch {
    let scratch = Scratch::new();
    let partitions = [0, 0, 1, 0, 2, 2];
    let mut list = String::new();
    for (n, partition) in partitions.iter().enumerate() {
        let name = format!("{:06}.png", n + 1);
        scratch.picture(&format!("img_align_celeba/{name}"), 10 * n as u8);
        list += &format!("{name} {partition}\n");
    }
    scratch.text("list_eval_partition.txt", &list);
    scratch
}

#[test]
fn celeba_is_split_by_its_list() {
    let scratch = celeba();
    let train = scratch.open();
    assert_eq!(names(&train), ["000001.png", "000002.png", "000004.png"]);
    assert_eq!(greys(&train), [0, 10, 30]);
    assert_eq!(scratch.names_of(Split::Val), ["000003.png"]);
    assert_eq!(scratch.names_of(Split::Test), ["000005.png", "000006.png"]);
    assert_eq!(scratch.evaluated(), Split::Test);
    // Caches of the splits lie side by side, and a changed list makes them stale.
    assert_eq!(greys(&scratch.open()), [0, 10, 30]);
    scratch.text("list_eval_partition.txt", "000006.png 0\n");
    assert_eq!(greys(&scratch.open()), [50]);
}

#[test]
fn celeba_half_unpacked_is_refused() {
    let scratch = celeba();
    fs::remove_file(scratch.path("img_align_celeba/000002.png")).unwrap();
    let error = scratch.error();
    assert!(error.contains("1 of the split's 3 pictures"), "{error}");
    assert!(error.contains("'000002.png'"), "{error}");
    assert_eq!(scratch.names_of(Split::Val), ["000003.png"]);
    fs::remove_file(scratch.path("list_eval_partition.txt")).unwrap();
    let error = scratch.error();
    assert!(error.contains("lacks 'list_eval_partition.txt'"), "{error}");
    let scratch = Scratch::new();
    scratch.text("list_eval_partition.txt", "000001.jpg 0\n");
    assert!(scratch.error().contains("lacks 'img_align_celeba'"));
    scratch.picture("img_align_celeba/1.png", 1);
    scratch.text("list_eval_partition.txt", "1.png zero\n");
    let error = scratch.error();
    assert!(
        error.contains("list_eval_partition.txt' cannot be used"),
        "{error}"
    );
}

#[test]
fn a_picture_that_celeba_lists_but_has_not_is_named_and_left_out() {
    let scratch = Scratch::new();
    let mut list = String::new();
    for n in 0..200 {
        let name = format!("{n:06}.png");
        if n != 7 {
            scratch.picture(&format!("img_align_celeba/img_align_celeba/{name}"), 1);
        }
        list += &format!("{name} 0\n");
    }
    scratch.text("list_eval_partition.txt", &list);
    let data = scratch.open();
    assert_eq!(data.len(), 199);
    assert_eq!(data.broken()[0].name, "000007.png");
}

#[test]
fn labels_are_read_as_published() {
    let scratch = celeba();
    let attributes = "3\nBald Smiling\n000001.png -1 1\n000002.png  1 -1\n000004.png 1  1\n";
    fs::write(
        scratch.path("list_attr_celeba.txt.gz"),
        gzip(attributes.as_bytes()),
    )
    .unwrap();
    scratch.text(
        "identity_CelebA.txt",
        "000004.png 7\n000002.png 9\n000001.png 7\n",
    );
    // The template's left eye, and the crop's corners.
    let points = "70.1 111.7 22 58 156 192 22 192 156 58";
    scratch.text(
        "landmarks_estimated.txt",
        &format!(
            "3\na b c d e f g h i j confidence\n000001.png {points} 1.0\n\
             000002.png {points} 0.5\n000004.png {points} 1\n"
        ),
    );
    let data = scratch.open();
    let root = scratch.folder.path();
    let labels = Labels::attributes(root).unwrap();
    assert_eq!(labels.columns, ["Bald", "Smiling"]);
    assert_eq!(
        labels.of(&data).unwrap(),
        [[0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]
    );
    let labels = Labels::identities(root).unwrap();
    assert_eq!(labels.of(&data).unwrap(), [[7.0], [9.0], [7.0]]);
    let labels = Labels::landmarks(root).unwrap();
    assert_eq!(labels.columns.len(), 2 * POINTS);
    let first = labels.of(&data).unwrap()[0];
    let expected = [
        34.5 / 96.0,
        38.5 / 96.0,
        0.0,
        0.0,
        1.0,
        1.0,
        0.0,
        1.0,
        1.0,
        0.0,
    ];
    for (got, expected) in first.iter().zip(expected) {
        assert!((got - expected).abs() < 2e-3, "{first:?}");
    }
}

#[test]
fn what_is_wrong_with_labels_is_said() {
    let scratch = celeba();
    let root = scratch.folder.path();
    let error = Labels::attributes(root).unwrap_err().to_string();
    assert!(error.contains("list_attr_celeba.txt"), "{error}");
    let wrong = |text: &str| {
        scratch.text("list_attr_celeba.txt", text);
        Labels::attributes(root).unwrap_err().to_string()
    };
    assert!(wrong("2\nBald\n000001.png 1\n").contains("tells of 2"));
    assert!(wrong("Bald\n000001.png 1\n000002.png 1 1\n").contains("line 3"));
    assert!(wrong("Bald\n000001.png 1\n000002.png x\n").contains("line 3"));
    assert!(wrong("").contains("line 1"));
    scratch.text("list_attr_celeba.txt", "1\nBald\n000001.png 1\n");
    let labels = Labels::attributes(root).unwrap();
    let error = labels.of(&scratch.open()).unwrap_err().to_string();
    assert!(error.contains("'000002.png'"), "{error}");
    scratch.text("list_landmarks_align_celeba.txt", "000001.png 1 2 3 4\n");
    let error = Labels::landmarks(root).unwrap_err().to_string();
    assert!(error.contains("5 points"), "{error}");
}

fn flower(n: u64) -> String {
    format!("image_{n:05}.png")
}

#[test]
fn oxford_102_is_split_evenly_without_its_list() {
    let scratch = Scratch::new();
    for n in 1..=40 {
        scratch.picture(&format!("jpg/{}", flower(n)), n as u8);
    }
    // An eighth: 40 * 1020 / 8189 = 4.98.
    let val = [9, 17, 25, 33].map(|n| format!("jpg/{}", flower(n)));
    assert_eq!(scratch.names_of(Split::Val), val);
    let train = scratch.names_of(Split::Train);
    assert_eq!(train.len(), 36);
    assert!(val.iter().all(|name| !train.contains(name)));
    assert_eq!(scratch.evaluated(), Split::Val);
    let error = scratch.open_split(Split::Test).unwrap_err().to_string();
    assert!(error.contains("Oxford-102 has no split 'test'"), "{error}");
    for n in 10..20 {
        fs::remove_file(scratch.path(&format!("jpg/{}", flower(n)))).unwrap();
    }
    let error = scratch.error();
    assert!(error.contains("image_00010.jpg"), "{error}");
}

/// A MATLAB 5 file with one array of 16-bit numbers.
fn mat_file(name: &str, values: &[u16]) -> Vec<u8> {
    let element = |kind: u32, bytes: &[u8]| {
        let mut all = [kind.to_le_bytes(), (bytes.len() as u32).to_le_bytes()].concat();
        all.extend(bytes);
        all.resize(all.len().next_multiple_of(8), 0);
        all
    };
    let numbers =
        |values: &[u32]| -> Vec<u8> { values.iter().flat_map(|v| v.to_le_bytes()).collect() };
    let data: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
    // Of double values, kept as 16-bit ones, as MATLAB does with small whole numbers.
    let array = [
        element(6, &numbers(&[6, 0])),
        element(5, &numbers(&[1, values.len() as u32])),
        element(1, name.as_bytes()),
        element(4, &data),
    ];
    let mut file = b"MATLAB 5.0 MAT-file".to_vec();
    file.resize(124, b' ');
    file.extend([0x00, 0x01, b'I', b'M']);
    file.extend(element(14, &array.concat()));
    file
}

#[test]
fn oxford_102_is_split_by_its_list() {
    let scratch = Scratch::new();
    for n in 1..=10 {
        scratch.picture(&format!("jpg/{}", flower(n)), n as u8);
    }
    fs::write(scratch.path("setid.mat"), mat_file("valid", &[10, 2])).unwrap();
    let val = scratch.open_split(Split::Val).unwrap();
    assert_eq!(greys(&val), [2, 10]);
    assert_eq!(greys(&scratch.open()), [1, 3, 4, 5, 6, 7, 8, 9]);
    fs::write(scratch.path("setid.mat"), mat_file("tstid", &[1])).unwrap();
    assert!(scratch.error().contains("array 'valid'"));
    fs::write(scratch.path("setid.mat"), "no such file").unwrap();
    assert!(scratch.error().contains("setid.mat' cannot be used"));
}

#[test]
fn packed_tars_are_read() {
    let scratch = Scratch::new();
    let plain = scratch.path("scratch");
    let members: Vec<_> = (1..=9)
        .map(|n| (flower(n), encoded("x.png", n as u8)))
        .collect();
    let members: Vec<_> = members
        .iter()
        .map(|(n, b)| (n.as_str(), b.clone()))
        .collect();
    tar_of(&plain, &members);
    let packed = scratch.path("flowers.tar.gz");
    let bytes = gzip(&fs::read(&plain).unwrap());
    fs::write(&packed, &bytes).unwrap();
    let open = |root: PathBuf, split| {
        Dataset::open(&DatasetOptions {
            root,
            split,
            ..scratch.options()
        })
    };
    assert_eq!(greys(&open(packed.clone(), Split::Val).unwrap()), [9]);
    let train = open(packed.clone(), Split::Train).unwrap();
    assert_eq!(greys(&train), [1, 2, 3, 4, 5, 6, 7, 8]);
    fs::write(&packed, &bytes[..bytes.len() / 2]).unwrap();
    let error = open(packed, Split::Train).unwrap_err().to_string();
    assert!(error.contains("flowers.tar.gz"), "{error}");
}

/// An idx file of 4x4 pictures of one grey each.
fn idx(greys: impl IntoIterator<Item = u8>) -> Vec<u8> {
    let values: Vec<u8> = greys.into_iter().flat_map(|grey| [grey; 16]).collect();
    let count = values.len() as u32 / 16;
    let header = [0x0803, count, 4, 4].map(u32::to_be_bytes).concat();
    [header, values].concat()
}

#[test]
fn mnist_is_read_plain_and_packed() {
    for packed in [false, true] {
        let scratch = Scratch::new();
        let write = |name: &str, bytes: Vec<u8>| {
            if packed {
                fs::write(scratch.path(&format!("{name}.gz")), gzip(&bytes)).unwrap();
            } else {
                fs::write(scratch.path(name), bytes).unwrap();
            }
        };
        write("train-images-idx3-ubyte", idx(0..24));
        write("t10k-images-idx3-ubyte", idx(100..103));
        assert_eq!(greys(&scratch.open()), (2..24).collect::<Vec<_>>());
        assert_eq!(greys(&scratch.open_split(Split::Val).unwrap()), [0, 1]);
        let test = scratch.open_split(Split::Test).unwrap();
        assert_eq!(greys(&test), [100, 101, 102]);
        assert_eq!(names(&test)[2], "t10k-00002");
        assert_eq!(scratch.evaluated(), Split::Test);
    }
}

#[test]
fn what_is_wrong_with_mnist_is_said() {
    let scratch = Scratch::new();
    let train = scratch.path("train-images-idx3-ubyte");
    fs::write(&train, idx(0..24)).unwrap();
    let error = scratch.open_split(Split::Test).unwrap_err().to_string();
    assert!(error.contains("lacks 't10k-images-idx3-ubyte'"), "{error}");
    let mut bytes = idx(0..24);
    bytes.pop();
    fs::write(&train, bytes).unwrap();
    assert!(scratch.error().contains("24 pictures of 4x4"));
    fs::write(&train, b"\0\0\x08\x01\0\0\0\x01\x05").unwrap();
    assert!(scratch.error().contains("expected an idx file of pictures"));
}

#[test]
fn the_flowers_of_the_reference_data_are_found() {
    let Some(data) = std::env::var_os("MDE_DATA").filter(|d| !d.is_empty()) else {
        println!("skipped: MDE_DATA is not set to a folder that holds flowers64/flowers64.tar.gz");
        return;
    };
    let cache = TempDir::new().unwrap();
    let open = |split| {
        Dataset::open(&DatasetOptions {
            root: Path::new(&data).join("flowers64/flowers64.tar.gz"),
            split,
            size: 32,
            crop: CropRule::CelebA,
            cache: Some(cache.path().to_owned()),
        })
        .unwrap()
    };
    assert_eq!(open(Split::Val).len(), 1020);
    assert_eq!(open(Split::Train).len(), 8189 - 1020);
}
