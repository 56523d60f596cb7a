//! The data set as a whole, on real files in scratch folders.

mod published;

use std::fs::{self, File, OpenOptions};
use std::io::Cursor;
use std::path::{Path, PathBuf};

use image::{ImageFormat, Rgb, RgbImage};
use tempfile::TempDir;

use super::*;

const SIZE: usize = 32;

/// A folder of pictures and one for the cache.
struct Scratch {
    folder: TempDir,
    cache: TempDir,
}

impl Scratch {
    fn new() -> Self {
        Self {
            folder: TempDir::new().unwrap(),
            cache: TempDir::new().unwrap(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        path
    }

    fn picture(&self, name: &str, grey: u8) {
        fs::write(self.path(name), encoded(name, grey)).unwrap();
    }

    fn options(&self) -> DatasetOptions {
        DatasetOptions {
            root: self.folder.path().to_owned(),
            split: Split::Train,
            size: SIZE,
            crop: CropRule::CelebA,
            cache: Some(self.cache.path().to_owned()),
        }
    }

    fn open(&self) -> Dataset {
        Dataset::open(&self.options()).unwrap()
    }

    fn error(&self) -> String {
        Dataset::open(&self.options()).unwrap_err().to_string()
    }

    fn cache_file(&self) -> PathBuf {
        fs::read_dir(self.cache.path())
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .find(|path| path.extension().is_some_and(|e| e == "crops"))
            .unwrap()
    }
}

fn encoded(name: &str, grey: u8) -> Vec<u8> {
    let mut bytes = Vec::new();
    RgbImage::from_pixel(144, 144, Rgb([grey; 3]))
        .write_to(
            &mut Cursor::new(&mut bytes),
            ImageFormat::from_path(name).unwrap(),
        )
        .unwrap();
    bytes
}

fn tar_of(path: &Path, members: &[(&str, Vec<u8>)]) {
    let mut tar = tar::Builder::new(File::create(path).unwrap());
    for (name, bytes) in members {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, name, bytes.as_slice())
            .unwrap();
    }
    tar.finish().unwrap();
}

fn names(data: &Dataset) -> Vec<&str> {
    (0..data.len()).map(|i| data.name(i)).collect()
}

fn greys(data: &Dataset) -> Vec<u8> {
    (0..data.len())
        .map(|i| {
            let picture = data.picture(i);
            assert_eq!(picture.len(), SIZE * SIZE * 3);
            assert!(picture.iter().all(|v| v.abs_diff(picture[0]) <= 1));
            picture[0]
        })
        .collect()
}

#[test]
fn a_folder_is_searched_recursively_in_order() {
    let scratch = Scratch::new();
    scratch.picture("b/2.png", 20);
    scratch.picture("b/1.png", 10);
    scratch.picture("a.png", 5);
    fs::write(scratch.path("notes.txt"), "no picture").unwrap();
    fs::write(scratch.path("._a.png"), "no picture either").unwrap();
    let data = scratch.open();
    assert_eq!(names(&data), ["a.png", "b/1.png", "b/2.png"]);
    assert_eq!(greys(&data), [5, 10, 20]);
    assert_eq!(data.size(), SIZE);
    assert!(data.broken().is_empty());
}

#[test]
fn tar_shards_are_read_in_place() {
    let scratch = Scratch::new();
    let first = scratch.path("train/00.tar");
    tar_of(
        &first,
        &[
            ("2.jpg", encoded("2.jpg", 200)),
            ("labels.txt", b"no picture".to_vec()),
            ("1.png", encoded("1.png", 100)),
        ],
    );
    let second = scratch.path("train/01.tar");
    tar_of(&second, &[("3.png", encoded("3.png", 50))]);
    let data = scratch.open();
    assert_eq!(names(&data), ["2.jpg", "1.png", "3.png"]);
    assert_eq!(greys(&data), [200, 100, 50]);

    let alone = Dataset::open(&DatasetOptions {
        root: second,
        ..scratch.options()
    });
    assert_eq!(names(&alone.unwrap()), ["3.png"]);
}

#[test]
fn broken_pictures_are_named_and_left_out() {
    let scratch = Scratch::new();
    let mut cut = encoded("cut.png", 9);
    cut.truncate(cut.len() / 2);
    let members = [
        ("1.png", encoded("1.png", 1)),
        ("cut.png", cut),
        ("empty.jpg", Vec::new()),
        ("2.png", encoded("2.png", 2)),
    ];
    tar_of(&scratch.path("00.tar"), &members);
    // The second time they are known from the cache.
    for _ in 0..2 {
        let data = scratch.open();
        assert_eq!(names(&data), ["1.png", "2.png"]);
        assert_eq!(greys(&data), [1, 2]);
        let broken: Vec<&str> = data.broken().iter().map(|b| b.name.as_str()).collect();
        assert_eq!(broken, ["cut.png", "empty.jpg"]);
    }
}

#[test]
fn a_tar_cut_short_loses_only_its_last_picture() {
    let scratch = Scratch::new();
    let tar = scratch.path("00.tar");
    let noise = RgbImage::from_fn(64, 64, |x, y| {
        Rgb([(x * 37 + y * 101) as u8, (x * y) as u8, (x * 7) as u8])
    });
    let mut last = Vec::new();
    noise
        .write_to(&mut Cursor::new(&mut last), ImageFormat::Png)
        .unwrap();
    tar_of(
        &tar,
        &[("1.png", encoded("1.png", 1)), ("2.png", last.clone())],
    );
    let end = fs::metadata(&tar).unwrap().len() - 1024 - last.len() as u64;
    OpenOptions::new()
        .write(true)
        .open(&tar)
        .unwrap()
        .set_len(end)
        .unwrap();
    let data = scratch.open();
    assert_eq!(names(&data), ["1.png"]);
    assert_eq!(data.broken()[0].name, "2.png");
}

#[test]
fn what_is_missing_is_said() {
    let scratch = Scratch::new();
    assert!(scratch.error().contains("found no pictures in"));

    let options = DatasetOptions {
        root: scratch.folder.path().join("nowhere"),
        ..scratch.options()
    };
    let error = Dataset::open(&options).unwrap_err();
    assert!(matches!(error, DataError::NotFound(_)), "{error}");

    let packed = scratch.path("pictures.zip");
    fs::write(&packed, "").unwrap();
    let options = DatasetOptions {
        root: packed,
        ..scratch.options()
    };
    let error = Dataset::open(&options).unwrap_err();
    assert!(matches!(error, DataError::NotATar(_)), "{error}");

    scratch.picture("val/1.png", 1);
    let error = scratch.error();
    assert!(
        error.contains("'val'") && error.contains("'train'"),
        "{error}"
    );

    fs::write(scratch.path("train/1.jpg"), "no picture").unwrap();
    let error = scratch.error();
    assert!(error.contains("'1.jpg'"), "{error}");
}

#[test]
fn splits_are_kept_apart() {
    let scratch = Scratch::new();
    scratch.picture("train/1.png", 1);
    scratch.picture("val/2.png", 2);
    assert_eq!(names(&scratch.open()), ["1.png"]);
    let val = Dataset::open(&DatasetOptions {
        split: Split::Val,
        ..scratch.options()
    });
    assert_eq!(names(&val.unwrap()), ["2.png"]);
}

#[test]
fn a_whole_cache_is_used_again() {
    let scratch = Scratch::new();
    scratch.picture("1.png", 10);
    drop(scratch.open());
    // Marking a pixel in the cache shows where the second data set has it from.
    let file = scratch.cache_file();
    let mut bytes = fs::read(&file).unwrap();
    bytes[0] = 99;
    fs::write(&file, &bytes).unwrap();
    assert_eq!(scratch.open().picture(0)[..2], [99, 10]);
}

#[test]
fn a_stale_cache_is_rebuilt() {
    let scratch = Scratch::new();
    scratch.picture("1.png", 10);
    drop(scratch.open());

    scratch.picture("2.png", 20);
    assert_eq!(greys(&scratch.open()), [10, 20]);

    scratch.picture("2.png", 30);
    assert_eq!(greys(&scratch.open()), [10, 30]);

    fs::remove_file(scratch.path("1.png")).unwrap();
    assert_eq!(greys(&scratch.open()), [30]);

    let smaller = Dataset::open(&DatasetOptions {
        size: 16,
        ..scratch.options()
    });
    assert_eq!(smaller.unwrap().picture(0).len(), 16 * 16 * 3);
}

#[test]
fn a_damaged_cache_is_rebuilt() {
    let scratch = Scratch::new();
    scratch.picture("1.png", 10);
    drop(scratch.open());
    let file = scratch.cache_file();
    let whole = fs::read(&file).unwrap();
    for keep in [0, 7, SIZE, whole.len() - 1] {
        fs::write(&file, &whole[..keep]).unwrap();
        assert_eq!(greys(&scratch.open()), [10]);
        assert_eq!(fs::read(&file).unwrap(), whole);
    }
    fs::write(&file, &whole[3..]).unwrap();
    assert_eq!(greys(&scratch.open()), [10]);
}

#[test]
fn without_a_cache_folder_pictures_are_held_in_memory() {
    let scratch = Scratch::new();
    scratch.picture("1.png", 10);
    // A file in the place of the folder: not even root can write there.
    let taken = scratch.path("taken");
    fs::write(&taken, "").unwrap();
    let data = Dataset::open(&DatasetOptions {
        cache: Some(taken),
        ..scratch.options()
    });
    assert_eq!(greys(&data.unwrap()), [10]);
}

#[test]
fn two_openers_at_once_share_one_cache() {
    let scratch = Scratch::new();
    for i in 0..20 {
        scratch.picture(&format!("{i:02}.png"), i);
    }
    std::thread::scope(|scope| {
        let openers: Vec<_> = (0..4).map(|_| scope.spawn(|| scratch.open())).collect();
        for opener in openers {
            assert_eq!(greys(&opener.join().unwrap()), (0..20).collect::<Vec<_>>());
        }
    });
}

#[test]
fn the_shards_of_celeba_are_whole() {
    let Some(data) = std::env::var_os("MDE_DATA").filter(|d| !d.is_empty()) else {
        println!("skipped: MDE_DATA is not set to a folder that holds celeba/val/*.tar");
        return;
    };
    let cache = TempDir::new().unwrap();
    let val = Dataset::open(&DatasetOptions {
        root: Path::new(&data).join("celeba"),
        split: Split::Val,
        size: 96,
        crop: CropRule::CelebA,
        cache: Some(cache.path().to_owned()),
    })
    .unwrap();
    assert_eq!(val.len(), 4535);
    assert_eq!(val.name(0), "162771.jpg");
    assert!(val.broken().is_empty());
}
