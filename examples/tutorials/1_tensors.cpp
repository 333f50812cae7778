// Tensors: creation, views, broadcasting, indexing, reductions, dtypes, random numbers.
#include <iostream>

#include <ditharos/ditharos.h>

using namespace ditharos;

int main() {
  std::cout << "-- creation --\n";
  const Tensor a = arange(6).reshape({2, 3});
  std::cout << a << '\n' << a.shape() << ' ' << a.dtype() << '\n';  // f32 unless another dtype is given
  std::cout << from_vector<int64_t>({3, 1, 2}) << '\n' << linspace(0, 1, 5) << '\n';

  // A tensor is a handle. Copies and views share the elements; clone() copies them.
  std::cout << "-- views --\n";
  const Tensor turned = transpose(a, 0, 1), copy = a.clone();
  a[0].fill_(7);
  std::cout << turned << '\n' << copy[0] << '\n';

  // Shapes are aligned at their last axes, and an axis of size 1 is repeated.
  std::cout << "-- broadcasting --\n";
  const Tensor row = from_vector<float>({10, 20, 30}), column = from_vector<float>({1, 2}, {2, 1});
  std::cout << row + column << '\n';
  try {
    std::cout << row + from_vector<float>({1, 2}) << '\n';
  } catch (const ShapeError& error) {
    std::cout << "ShapeError: " << error.what() << '\n';
  }

  std::cout << "-- indexing --\n";
  const Tensor x = arange(12).reshape({3, 4});
  std::cout << x[-1] << '\n';                                      // Python: x[-1]
  std::cout << index(x, {Slice{}, Slice{1, 3}}) << '\n';           // x[:, 1:3]
  std::cout << index(x, {ellipsis, 0, new_axis}).shape() << '\n';  // x[..., 0, None]
  std::cout << x[from_vector<int64_t>({2, 0})] << '\n';            // x[[2, 0]]
  std::cout << x[x > 8.0] << '\n';                                 // x[x > 8]
  std::cout << index_put(x, {1, Slice{2, {}}}, -1) << '\n';        // a copy with x[1, 2:] = -1

  // Operations are free functions; methods only look at a tensor, or make views of it.
  std::cout << "-- reductions and products --\n";
  std::cout << sum(x).item() << ' ' << mean(x, 0) << ' ' << argmax(x, 1) << '\n';
  std::cout << matmul(x, transpose(x, 0, 1)) << '\n';

  // Operands of one operation have one dtype; to() converts.
  std::cout << "-- dtypes --\n";
  const Tensor whole = arange(3, DType::i64);
  try {
    std::cout << whole + row << '\n';
  } catch (const DTypeError& error) {
    std::cout << "DTypeError: " << error.what() << '\n';
  }
  std::cout << to(whole, DType::f32) + row << '\n' << (row > 15.0).dtype() << '\n';

  // The numbers depend on the seed and on how many were drawn before: not on the machine or its threads.
  std::cout << "-- random numbers --\n";
  Generator rng(/*seed=*/1), same(/*seed=*/1);
  std::cout << rng.normal({2, 2}) << '\n' << rng.randint(0, 10, {5}) << '\n';
  std::cout << std::boolalpha << allclose(same.normal({2, 2}), Generator(1).normal({2, 2})) << '\n';
}
