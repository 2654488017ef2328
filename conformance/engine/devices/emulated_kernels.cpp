// Kernels of the emulated device for operators that its fallback, in `emulated.cpp`, cannot serve.

#include "emulated.h"

#include <ATen/native/transformers/attention.h>
#include <ATen/SDPBackend.h>
#include <ATen/ops/_fused_sdp_choice.h>
#include <ATen/ops/_scaled_dot_product_flash_attention_for_cpu.h>
#include <ATen/ops/_scaled_dot_product_flash_attention_for_cpu_backward.h>
#include <ATen/ops/convolution.h>
#include <ATen/ops/convolution_backward.h>
#include <ATen/ops/histc.h>
#include <torch/library.h>

#include <array>

namespace emulated {
namespace {

// ------------------------------------------------------------------------- convolution, attention
// For a device type it does not know, PyTorch computes attention with its reference formula, whose
// last bits differ from the CPU kernel's, and sends convolution to an operator that only raises.
// Both have `overrideable` operators for backends (native_functions.yaml), and fill them here with
// what the CPU would do. Mamba's blocks convolve; attention is scaled_dot_product_attention by
// default in transformers.

at::Tensor convolution(
    const at::Tensor& input,
    const at::Tensor& weight,
    const std::optional<at::Tensor>& bias,
    c10::IntArrayRef stride,
    c10::IntArrayRef padding,
    c10::IntArrayRef dilation,
    bool transposed,
    c10::IntArrayRef output_padding,
    int64_t groups) {
  const std::string method = "aten::convolution";
  require_our_device(input, "input", method);
  require_our_device(weight, "weight", method);
  require_our_device(bias.value_or(at::Tensor()), "bias", method);
  return to_device(at::convolution(
      on_host(input), on_host(weight), on_host(bias), stride, padding, dilation, transposed,
      output_padding, groups));
}

std::tuple<at::Tensor, at::Tensor, at::Tensor> convolution_backward(
    const at::Tensor& grad_output,
    const at::Tensor& input,
    const at::Tensor& weight,
    c10::IntArrayRef stride,
    c10::IntArrayRef padding,
    c10::IntArrayRef dilation,
    bool transposed,
    c10::IntArrayRef output_padding,
    int64_t groups,
    std::array<bool, 3> output_mask) {
  const std::string method = "aten::convolution_backward";
  require_our_device(grad_output, "grad_output", method);
  require_our_device(input, "input", method);
  require_our_device(weight, "weight", method);
  const int64_t bias_size = transposed ? weight.size(1) * groups : weight.size(0);
  const auto [grad_input, grad_weight, grad_bias] = at::convolution_backward(
      on_host(grad_output), on_host(input), on_host(weight), {{bias_size}}, stride, padding,
      dilation, transposed, output_padding, groups, output_mask);
  return {to_device(grad_input), to_device(grad_weight), to_device(grad_bias)};
}

int64_t choose_attention(
    const at::Tensor& query,
    const at::Tensor& key,
    const at::Tensor& value,
    const std::optional<at::Tensor>& mask,
    double dropout,
    bool is_causal,
    std::optional<double> scale,
    bool enable_gqa) {
  // The CPU's choice depends on what needs a gradient: a mask does where it is a learnt bias (T5).
  const auto as_cpu = [](const at::Tensor& tensor) {
    return on_host(tensor).set_requires_grad(tensor.requires_grad());
  };
  const auto cpu_mask = mask.has_value() ? std::optional(as_cpu(*mask)) : std::nullopt;
  const auto cpu_choice = static_cast<at::SDPBackend>(at::_fused_sdp_choice(
      as_cpu(query), as_cpu(key), as_cpu(value), cpu_mask, dropout, is_causal, scale, enable_gqa));
  return static_cast<int64_t>(
      cpu_choice == at::SDPBackend::flash_attention ? at::SDPBackend::overrideable
                                                    : at::SDPBackend::math);
}

std::tuple<at::Tensor, at::Tensor, at::Tensor, at::Tensor, c10::SymInt, c10::SymInt, at::Tensor,
           at::Tensor, at::Tensor>
attention(
    const at::Tensor& query,
    const at::Tensor& key,
    const at::Tensor& value,
    const std::optional<at::Tensor>& mask,
    double dropout,
    bool is_causal,
    bool /*return_debug_mask*/,
    std::optional<double> scale) {
  const std::string method = "aten::scaled_dot_product_attention";
  require_our_device(query, "query", method);
  require_our_device(key, "key", method);
  require_our_device(value, "value", method);
  require_our_device(mask.value_or(at::Tensor()), "attn_mask", method);
  const auto [output, logsumexp] = at::_scaled_dot_product_flash_attention_for_cpu(
      on_host(query), on_host(key), on_host(value), dropout, is_causal, on_host(mask), scale);
  // The rest is for kernels that pack sequences, draw random numbers or return their weights.
  return {to_device(output), to_device(logsumexp), at::Tensor(), at::Tensor(), query.size(2),
          key.size(2), at::Tensor(), at::Tensor(), at::Tensor()};
}

std::tuple<at::Tensor, at::Tensor, at::Tensor, at::Tensor> attention_backward(
    const at::Tensor& grad_output,
    const at::Tensor& query,
    const at::Tensor& key,
    const at::Tensor& value,
    const at::Tensor& mask,
    std::array<bool, 4> /*grad_input_mask*/,
    const at::Tensor& output,
    const at::Tensor& logsumexp,
    const at::Tensor& /*cum_seq_q*/,
    const at::Tensor& /*cum_seq_k*/,
    c10::SymInt /*max_q*/,
    c10::SymInt /*max_k*/,
    double dropout,
    bool is_causal,
    const at::Tensor& /*philox_seed*/,
    const at::Tensor& /*philox_offset*/,
    std::optional<double> scale) {
  require_our_device(grad_output, "grad_out", "aten::scaled_dot_product_attention_backward");
  const auto [grad_query, grad_key, grad_value] =
      at::_scaled_dot_product_flash_attention_for_cpu_backward(
          on_host(grad_output), on_host(query), on_host(key), on_host(value), on_host(output),
          on_host(logsumexp), dropout, is_causal, on_host(std::optional(mask)), scale);
  // The CPU does not choose this kernel where the mask needs a gradient.
  return {to_device(grad_query), to_device(grad_key), to_device(grad_value), at::Tensor()};
}

// ---------------------------------------------------------------------------- what only GPUs have
// Libraries choose code by `device.type == "cpu"`, so the other branch must run here: transformers
// counts the tokens of each expert with histc of an int32 tensor, which CUDA has and the CPU lacks.

at::Tensor histc(
    const at::Tensor& self, int64_t bins, const at::Scalar& min, const at::Scalar& max) {
  const at::Tensor host = on_host(self);
  if (!at::isIntegralType(self.scalar_type(), /*includeBool=*/false)) {
    return to_device(at::histc(host, bins, min, max));
  }
  return to_device(at::histc(host.to(c10::kDouble), bins, min, max).to(self.scalar_type()));
}

TORCH_LIBRARY_IMPL(aten, PrivateUse1, library) {
  library.impl("histc", histc);
  library.impl("_scaled_dot_product_fused_attention_overrideable", attention);
  library.impl("_scaled_dot_product_fused_attention_overrideable_backward", attention_backward);
  library.impl("convolution_overrideable", convolution);
  library.impl("convolution_backward_overrideable", convolution_backward);
}

}  // namespace
}  // namespace emulated

// Attention asks this function, by device type, which of its kernels to use.
namespace at::native {
REGISTER_PRIVATEUSE1_DISPATCH(_fused_sdp_choice_stub, &emulated::choose_attention)
}  // namespace at::native
