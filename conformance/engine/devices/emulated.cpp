// A second device for machines without a GPU: tensors whose device is not `cpu`, whose values are
// computed by PyTorch's own CPU kernels, and which refuse to be mixed with CPU tensors as CUDA
// tensors do.
//
// PyTorch keeps one device type free for backends that live outside its tree, PrivateUse1. The
// sections below supply what such a backend must have and nothing else. Sources: "Facilitating New
// Backend Integration by PrivateUse1" (docs.pytorch.org/tutorials/advanced/privateuseone.html),
// "Accelerator Integration" (docs.pytorch.org/docs/main/accelerator) and the headers included here,
// which are named where a line follows from one of them. Attention and convolution, which need
// kernels of their own, are in `emulated_kernels.cpp`; the Python half is `emulated.py`.

#include "emulated.h"

#include <ATen/detail/PrivateUse1HooksInterface.h>
#include <ATen/EmptyTensor.h>
#include <ATen/native/CPUFallback.h>
#include <ATen/ops/_reshape_alias_native.h>
#include <ATen/ops/as_strided_native.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/resize_native.h>
#include <ATen/ops/set_native.h>
#include <ATen/ops/unfold_native.h>
#include <ATen/ops/view_as_complex_native.h>
#include <ATen/ops/view_as_real_native.h>
#include <ATen/ops/view_native.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>
#include <c10/core/impl/alloc_cpu.h>

#include <algorithm>
#include <cstring>

namespace emulated {

// ----------------------------------------------------------------------------- to and from the CPU

at::Tensor on_host(const at::Tensor& tensor) {
  if (tensor.device().type() != kEmulated) {
    return tensor;
  }
  at::Tensor host = at::from_blob(
      tensor.unsafeGetTensorImpl()->mutable_data(),
      tensor.sizes(),
      tensor.strides(),
      tensor.options().device(c10::kCPU).requires_grad(false));
  host._set_conj(tensor.is_conj());
  host._set_neg(tensor.is_neg());
  return host;
}

std::optional<at::Tensor> on_host(const std::optional<at::Tensor>& tensor) {
  return tensor.has_value() && tensor->defined() ? std::optional(on_host(*tensor)) : std::nullopt;
}

at::Tensor to_device(const at::Tensor& result) {
  return result.defined() ? result.to(kOnlyDevice) : result;
}

// ----------------------------------------------------------------------------------- mixed devices
// The fault this device is for is an operand left on the CPU, so operands are checked by CUDA's
// rule and with its words: one device for all, except
//   - a CPU tensor without dimensions, only read (TensorIterator.cpp, "Handles CPU scalars"),
//   - CPU index tensors for indexing (TensorAdvancedIndexing: "indices should be either on cpu or
//     on the same device as the indexed tensor").

void require_our_device(
    const at::Tensor& tensor,
    const std::string& argument,
    const std::string& method,
    CpuTensor cpu_tensor) {
  if (!tensor.defined() || tensor.device() == kOnlyDevice) {
    return;
  }
  if (tensor.device().is_cpu() &&
      (cpu_tensor == CpuTensor::Allowed ||
       (cpu_tensor == CpuTensor::AllowedIfScalar && tensor.dim() == 0))) {
    return;
  }
  TORCH_CHECK(
      false,
      "Expected all tensors to be on the same device, but found at least two devices, ",
      kOnlyDevice,
      " and ",
      tensor.device(),
      "! (when checking argument for argument ",
      argument,
      " in method ",
      method,
      ")");
}

namespace {

// ---------------------------------------------------------------------------------------- memory
// Every storage asks its allocator for bytes and takes its device from the DataPtr it gets
// (c10/core/Allocator.h). Ordinary host memory labelled with our device is what makes these tensors
// real: they have values, and storages whose sharing can be observed.

struct EmulatedAllocator final : c10::Allocator {
  c10::DataPtr allocate(size_t bytes) override {
    void* data = bytes == 0 ? nullptr : c10::alloc_cpu(bytes);
    return {data, data, &c10::free_cpu, kOnlyDevice};
  }
  c10::DeleterFnPtr raw_deleter() const override { return &c10::free_cpu; }
  void copy_data(void* target, const void* source, std::size_t bytes) const override {
    default_copy_data(target, source, bytes);
  }
};

EmulatedAllocator allocator;
REGISTER_ALLOCATOR(kEmulated, &allocator);

// ------------------------------------------------------------------------------- devices, streams
// Autograd and the dispatcher switch devices and streams through a guard, and refuse a device type
// that has none. PyTorch's own no-op guard would do, but it answers with device index -1, and
// autograd finds its worker thread by index.

struct EmulatedGuard final : c10::impl::NoOpDeviceGuardImpl<kEmulated> {
  c10::Device exchangeDevice(c10::Device) const override { return kOnlyDevice; }
  c10::Device getDevice() const override { return kOnlyDevice; }
  c10::Stream getStream(c10::Device) const noexcept override { return only_stream(); }
  c10::Stream getDefaultStream(c10::Device) const override { return only_stream(); }
  c10::Stream getNewStream(c10::Device, int) const override { return only_stream(); }
  c10::Stream exchangeStream(c10::Stream) const noexcept override { return only_stream(); }
  void synchronizeDevice(c10::DeviceIndex) const override {}  // nothing runs behind one's back

 private:
  static c10::Stream only_stream() noexcept {
    return c10::Stream(c10::Stream::DEFAULT, kOnlyDevice);
  }
};

C10_REGISTER_GUARD_IMPL(PrivateUse1, EmulatedGuard);

// ------------------------------------------------------------------------------------------ hooks
// Generic code in libtorch asks the accelerator through this interface: the autograd engine whether
// a device is in use (hasPrimaryContext), UntypedStorage.resize_ for its bytes.

struct EmulatedHooks final : at::PrivateUse1HooksInterface {
  bool isBuilt() const override { return true; }
  bool isAvailable() const override { return true; }
  bool hasPrimaryContext(c10::DeviceIndex) const override { return true; }
  c10::DeviceIndex deviceCount() const override { return 1; }
  c10::DeviceIndex getCurrentDevice() const override { return 0; }
  void setCurrentDevice(c10::DeviceIndex) const override {}
  c10::DeviceIndex exchangeDevice(c10::DeviceIndex) const override { return 0; }
  c10::DeviceIndex maybeExchangeDevice(c10::DeviceIndex) const override { return 0; }
  void resizePrivateUse1Bytes(const c10::Storage& storage, size_t bytes) const override {
    // Not at::native::resize_bytes_cpu, which labels an empty storage as the CPU's.
    c10::StorageImpl* impl = storage.unsafeGetStorageImpl();
    c10::DataPtr resized = allocator.allocate(bytes);
    if (const size_t kept = std::min(bytes, impl->nbytes()); kept > 0) {
      std::memcpy(resized.get(), impl->data(), kept);
    }
    impl->set_data_ptr_noswap(std::move(resized));
    impl->set_nbytes(bytes);
  }
};

// ------------------------------------------------------------------------- making and copying
// The operators no fallback can supply: those that make a tensor on the device, and those that
// carry bytes to and from it (every `.to`, `copy_`, `clone` and the fallback itself end there).

at::Tensor empty_memory_format(
    c10::IntArrayRef size,
    std::optional<c10::ScalarType> dtype,
    std::optional<c10::Layout>,
    std::optional<c10::Device>,
    std::optional<bool>,
    std::optional<c10::MemoryFormat> memory_format) {
  return at::detail::empty_generic(
      size,
      &allocator,
      c10::DispatchKeySet(c10::DispatchKey::PrivateUse1),
      c10::dtype_or_default(dtype),
      memory_format);
}

at::Tensor empty_strided(
    c10::IntArrayRef size,
    c10::IntArrayRef stride,
    std::optional<c10::ScalarType> dtype,
    std::optional<c10::Layout>,
    std::optional<c10::Device>,
    std::optional<bool>) {
  return at::detail::empty_strided_generic(
      size,
      stride,
      &allocator,
      c10::DispatchKeySet(c10::DispatchKey::PrivateUse1),
      c10::dtype_or_default(dtype));
}

at::Tensor copy_from(const at::Tensor& source, const at::Tensor& target, bool /*non_blocking*/) {
  on_host(target).copy_(on_host(source));
  return target;
}

at::Tensor copy_from_and_resize(const at::Tensor& source, const at::Tensor& target) {
  if (target.sizes() != source.sizes()) {
    target.resize_(source.sizes());
  }
  return copy_from(source, target, false);
}

// `Module.to` and `param.data = ...` swap the bytes under an existing Parameter only if this says
// that they may; otherwise they make a new Parameter for each name, which unties tied weights. CPU
// and CUDA tensors are compatible in this sense, so ours are.
bool has_compatible_shallow_copy_type(const at::Tensor&, const at::Tensor&) {
  return true;
}

// ------------------------------------------------------------------------------------- operands
// Whether an operand may be a CPU tensor, by what the operator says of the argument.

bool is_written(const c10::Argument& argument) {
  return argument.alias_info() != nullptr && argument.alias_info()->isWrite();
}

bool is_indexing(const std::string& method) {
  return method == "aten::index" || method == "aten::_unsafe_index" ||
      method == "aten::index_put" || method == "aten::index_put_" ||
      method == "aten::_index_put_impl_" || method == "aten::_unsafe_index_put";
}

void check_argument(
    const c10::FunctionSchema& schema, const c10::Argument& argument, const c10::IValue& value) {
  auto allowed = CpuTensor::AllowedIfScalar;
  if (is_written(argument)) {
    allowed = CpuTensor::Refused;
  } else if (argument.name() == "indices" && is_indexing(schema.name())) {
    allowed = CpuTensor::Allowed;
  }
  if (value.isTensor()) {
    require_our_device(value.toTensor(), argument.name(), schema.name(), allowed);
  } else if (value.isTensorList()) {
    for (const at::Tensor& tensor : value.toTensorVector()) {
      require_our_device(tensor, argument.name(), schema.name(), allowed);
    }
  } else if (value.isOptionalTensorList()) {
    for (const auto& tensor : value.toOptionalTensorVector()) {
      require_our_device(tensor.value_or(at::Tensor()), argument.name(), schema.name(), allowed);
    }
  }
}

// --------------------------------------------------------------------------------------- fallback
// Every operator without an entry of its own is computed by the CPU's kernel, through
// PyTorch's cpu_fallback. That alone would accept CPU operands beside ours, and computes on copies:
// a copy of a strided operand is contiguous, matrix products then take another path, and the last
// bits differ. So operands are checked, and those only read are handed over as the same bytes.

c10::IValue argument_on_host(const c10::IValue& value) {
  if (value.isTensor() && value.toTensor().defined()) {
    return on_host(value.toTensor());
  }
  if (value.isTensorList()) {
    c10::List<at::Tensor> host;
    for (const at::Tensor& tensor : value.toTensorVector()) {
      host.push_back(on_host(tensor));
    }
    return host;
  }
  if (value.isOptionalTensorList()) {
    c10::List<std::optional<at::Tensor>> host;
    for (const std::optional<at::Tensor>& tensor : value.toOptionalTensorVector()) {
      host.push_back(on_host(tensor));
    }
    return host;
  }
  return value;
}

void compute_on_cpu(const c10::OperatorHandle& op, torch::jit::Stack* stack) {
  const auto& arguments = op.schema().arguments();
  const auto given = torch::jit::last(*stack, arguments.size()).vec();  // keeps the bytes alive
  auto operand = stack->end() - static_cast<int64_t>(arguments.size());
  for (size_t i = 0; i < arguments.size(); ++i, ++operand) {
    check_argument(op.schema(), arguments[i], given[i]);
    if (!is_written(arguments[i])) {
      *operand = argument_on_host(given[i]);
    }
  }
  // A view operator without an entry must not silently become a copy, hence error_on_views.
  at::native::cpu_fallback(op, stack, /*error_on_views=*/true);
  // What was written was copied back by cpu_fallback; what was made is still on the CPU.
  auto result = stack->end() - static_cast<int64_t>(op.schema().returns().size());
  for (; result != stack->end(); ++result) {
    if (result->isTensor()) {
      *result = to_device(result->toTensor());
    } else if (result->isTensorList()) {
      c10::List<at::Tensor> made;
      for (const at::Tensor& tensor : result->toTensorVector()) {
        made.push_back(to_device(tensor));
      }
      *result = made;
    }
  }
}

// -------------------------------------------------------------------------------------- operators

TORCH_LIBRARY_IMPL(aten, PrivateUse1, library) {
  library.impl("empty.memory_format", empty_memory_format);
  library.impl("empty_strided", empty_strided);
  library.impl("_copy_from", copy_from);
  library.impl("_copy_from_and_resize", copy_from_and_resize);
  library.impl("_has_compatible_shallow_copy_type", has_compatible_shallow_copy_type);
  // Sizes, strides and storages without touching values: the CPU's versions are device-blind, and
  // grow a storage through its own allocator. Views made by them share storage as they must;
  // `torch.load` and `copy.deepcopy` rebuild tensors with set_.
  library.impl("resize_", at::native::resize_);
  library.impl("set_.source_Storage", at::native::set_);
  library.impl("set_.source_Storage_storage_offset", at::native::set_storage_cpu_);
  library.impl("set_.source_Tensor", at::native::set_tensor_);
  library.impl("as_strided", at::native::as_strided_tensorimpl);
  library.impl("view", at::native::view);
  library.impl("_reshape_alias", at::native::_reshape_alias);
  library.impl("unfold", at::native::unfold);
  library.impl("view_as_real", at::native::view_as_real);
  library.impl("view_as_complex", at::native::view_as_complex);

  // Some operators (native_layer_norm, silu_backward, ...) have a CPU kernel and also a formula for
  // every device without one, which hides them from the fallback and differs in the last bits. For
  // these the fallback is named; the rest of what PyTorch has both ways ends in the CPU's kernel.
  auto& dispatcher = c10::Dispatcher::singleton();
  for (const c10::OperatorName& name : dispatcher.getAllOpNames()) {
    const auto op = dispatcher.findOp(name);
    const bool has_formula =
        op->hasKernelForDispatchKey(c10::DispatchKey::CompositeExplicitAutograd) ||
        op->hasKernelForDispatchKey(c10::DispatchKey::CompositeImplicitAutograd);
    if (name.getNamespace() == "aten" && has_formula &&
        op->hasKernelForDispatchKey(c10::DispatchKey::CPU) &&
        !op->hasKernelForDispatchKey(c10::DispatchKey::PrivateUse1)) {
      library.impl(
          c10::toString(name).c_str(),
          torch::CppFunction::makeFromBoxedFunction<&compute_on_cpu>());
    }
  }
}

TORCH_LIBRARY_IMPL(_, PrivateUse1, library) {
  library.fallback(torch::CppFunction::makeFromBoxedFunction<&compute_on_cpu>());
}

// A conjugate or negative view carries a bit, and PyTorch resolves it before every operator that
// does not know of it: by a copy, which ends in _copy_from, which would be resolved by a copy
// (ATen/ConjugateFallback.cpp lets copy_ through). The CPU's copy_ knows both.
TORCH_LIBRARY_IMPL(aten, Conjugate, library) {
  library.impl("_copy_from", torch::CppFunction::makeFallthrough());
  library.impl("_copy_from_and_resize", torch::CppFunction::makeFallthrough());
}

TORCH_LIBRARY_IMPL(aten, Negative, library) {
  library.impl("_copy_from", torch::CppFunction::makeFallthrough());
  library.impl("_copy_from_and_resize", torch::CppFunction::makeFallthrough());
}

// Registered when the library is loaded. PyTorch keeps the pointer until the process ends.
const bool hooks_are_registered = [] {
  at::RegisterPrivateUse1HooksInterface(new EmulatedHooks());
  return true;
}();

}  // namespace
}  // namespace emulated
