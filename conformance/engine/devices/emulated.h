// What the sources of the emulated device share: the device itself, the way to the CPU's view of
// its tensors and back, and the check of operands. `emulated.cpp` says what the device is.

#pragma once

#include <ATen/core/Tensor.h>

#include <optional>
#include <string>

namespace emulated {

inline constexpr auto kEmulated = c10::DeviceType::PrivateUse1;

// index 0, so it prints as `emulated:0`, like cuda:0
inline const c10::Device kOnlyDevice(kEmulated, 0);

// The same bytes seen as a CPU tensor; tensors of other devices are passed through.
at::Tensor on_host(const at::Tensor& tensor);
std::optional<at::Tensor> on_host(const std::optional<at::Tensor>& tensor);

// A result of the CPU's, copied to the device; an undefined one (a gradient not asked for) as is.
at::Tensor to_device(const at::Tensor& result);

enum class CpuTensor { Refused, AllowedIfScalar, Allowed };

// Raises, with CUDA's words, if the operand lies elsewhere and not as `cpu_tensor` allows.
void require_our_device(
    const at::Tensor& tensor,
    const std::string& argument,
    const std::string& method,
    CpuTensor cpu_tensor = CpuTensor::Refused);

}  // namespace emulated
