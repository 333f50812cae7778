#pragma once
// Everything that a program built on ditharos needs, in one include.

#include <ditharos/tensor/allocator.h>
#include <ditharos/tensor/bfloat16.h>
#include <ditharos/tensor/crc32c.h>
#include <ditharos/tensor/dtype.h>
#include <ditharos/tensor/error.h>
#include <ditharos/tensor/factory.h>
#include <ditharos/tensor/file.h>
#include <ditharos/tensor/parallel.h>
#include <ditharos/tensor/print.h>
#include <ditharos/tensor/random.h>
#include <ditharos/tensor/safetensors.h>
#include <ditharos/tensor/shape.h>
#include <ditharos/tensor/storage.h>
#include <ditharos/tensor/tensor.h>
#include <ditharos/tensor/view.h>

#include <ditharos/autograd/engine.h>
#include <ditharos/autograd/grad_mode.h>
#include <ditharos/autograd/gradcheck.h>
#include <ditharos/autograd/node.h>
#include <ditharos/autograd/ops.h>

#include <ditharos/nn/ada_ln.h>
#include <ditharos/nn/attention.h>
#include <ditharos/nn/conv.h>
#include <ditharos/nn/dropout.h>
#include <ditharos/nn/embedding.h>
#include <ditharos/nn/inference.h>
#include <ditharos/nn/init.h>
#include <ditharos/nn/linear.h>
#include <ditharos/nn/mlp.h>
#include <ditharos/nn/module.h>
#include <ditharos/nn/norm.h>

#include <ditharos/models/classifier/conv_classifier.h>
#include <ditharos/models/diffusion/flow.h>
#include <ditharos/models/diffusion/gaussian.h>
#include <ditharos/models/diffusion/guidance.h>
#include <ditharos/models/diffusion/likelihood.h>
#include <ditharos/models/diffusion/objective.h>
#include <ditharos/models/diffusion/process.h>
#include <ditharos/models/diffusion/samplers/ddim.h>
#include <ditharos/models/diffusion/samplers/ddpm.h>
#include <ditharos/models/diffusion/samplers/euler.h>
#include <ditharos/models/diffusion/samplers/heun.h>
#include <ditharos/models/diffusion/samplers/options.h>
#include <ditharos/models/diffusion/samplers/sampler.h>
#include <ditharos/models/diffusion/schedule.h>
#include <ditharos/models/diffusion/trainer.h>
#include <ditharos/models/dit/block.h>
#include <ditharos/models/dit/config.h>
#include <ditharos/models/dit/dit.h>
#include <ditharos/models/dit/patch.h>
#include <ditharos/models/evaluation/frechet.h>
#include <ditharos/models/evaluation/symmetric_eigen.h>

#include <ditharos/optim/adam.h>
#include <ditharos/optim/checkpoint.h>
#include <ditharos/optim/checkpoint_folder.h>
#include <ditharos/optim/clip.h>
#include <ditharos/optim/ema.h>
#include <ditharos/optim/optimizer.h>
#include <ditharos/optim/schedule.h>
#include <ditharos/optim/sgd.h>

#include <ditharos/data/dataset.h>
#include <ditharos/data/idx.h>
#include <ditharos/data/image_folder.h>
#include <ditharos/data/loader.h>
#include <ditharos/data/open.h>
#include <ditharos/data/png.h>
#include <ditharos/data/resize.h>
#include <ditharos/data/shapes.h>
#include <ditharos/data/sheet.h>
