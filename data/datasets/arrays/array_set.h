#pragma once
// A data set from arrays of NumPy: an .npz archive, a folder of .npy files, or one .npy file.
#include <string>

#include <ditharos/data/datasets/dataset.h>

namespace ditharos::data {

/// True for a file that ends in .npz or .npy, and for a directory with images.npy, x_train.npy, x_test.npy,
/// train_images.npy, test_images.npy or arr_0.npy.
[[nodiscard]] bool is_array_set(const std::string& path);

/// The arrays have these names, in an archive or with .npy in a folder:
///   x_train, y_train, x_test, y_test (as in Keras's mnist.npz), or train_images, train_labels, test_images,
///     test_labels: `split` chooses;
///   images, labels, or arr_0, arr_1 (numpy.savez without names): every tenth image (the 10th, 20th, ...) belongs to
///     the test split and the others to the training split. So it is with the images of a single .npy file.
/// Other arrays are not read, and Opened::notes counts them.
///
/// Images are [N, H, W], [N, H, W, C] or [N, C, H, W] with C = 1 or 3: the axis of size 1 or 3 holds the channels.
/// Where both the second and the last axis have one of these sizes, the order is ambiguous and the array is refused; so
/// is [N, H, W] with W = 1 or 3. u8 is taken as it is. Booleans become 0 and 255; i32 and i64 must lie in 0..255; f16,
/// f32 and f64 are scaled from [0, 1], else from [-1, 1], else taken as they are where all are whole numbers in 0..255.
/// Opened::notes says so.
///
/// Labels are integers [N] or [N, 1]. Without labels, the images have no classes. The class names are the lines of
/// classes.txt beside the arrays, else numbers. IoError with the path and the reason.
[[nodiscard]] Opened load_array_set(const std::string& path, Split split);

}  // namespace ditharos::data
