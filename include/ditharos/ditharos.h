#pragma once
// What a program built on ditharos needs, in one include. Other headers of the library serve special purposes and are
// included by themselves, such as <ditharos/models/evaluation/image_evaluator.h>.

#include <ditharos/tensor/draws/default_generator.h>
#include <ditharos/tensor/draws/draws.h>
#include <ditharos/tensor/error.h>
#include <ditharos/tensor/factory.h>
#include <ditharos/tensor/io/numpy_file.h>
#include <ditharos/tensor/io/print.h>
#include <ditharos/tensor/io/safetensors.h>
#include <ditharos/tensor/io/safetensors_index.h>
#include <ditharos/tensor/io/torch_file.h>
#include <ditharos/tensor/io/weights_file.h>
#include <ditharos/tensor/parallel.h>
#include <ditharos/tensor/random.h>
#include <ditharos/tensor/tensor.h>

#include <ditharos/autograd/autocast.h>
#include <ditharos/autograd/checkpoint.h>
#include <ditharos/autograd/engine.h>
#include <ditharos/autograd/forward_mode.h>
#include <ditharos/autograd/function.h>
#include <ditharos/autograd/functional.h>
#include <ditharos/autograd/grad_mode.h>
#include <ditharos/autograd/gradcheck.h>
#include <ditharos/autograd/inspect/anomaly.h>
#include <ditharos/autograd/inspect/explain.h>
#include <ditharos/autograd/inspect/html.h>
#include <ditharos/autograd/inspect/inspect.h>
#include <ditharos/autograd/inspect/profiler.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/autograd/ops/indexing/embedding.h>
#include <ditharos/autograd/ops/normalization/instance_norm.h>
#include <ditharos/autograd/ops/recurrent/recurrent.h>

#include <ditharos/nn/activations/activations.h>
#include <ditharos/nn/attention.h>
#include <ditharos/nn/checkpoint.h>
#include <ditharos/nn/containers/module_list.h>
#include <ditharos/nn/containers/sequential.h>
#include <ditharos/nn/conv.h>
#include <ditharos/nn/dropout.h>
#include <ditharos/nn/embedding.h>
#include <ditharos/nn/group_norm.h>
#include <ditharos/nn/inference.h>
#include <ditharos/nn/init.h>
#include <ditharos/nn/layout/layout.h>
#include <ditharos/nn/layout/padding.h>
#include <ditharos/nn/linear.h>
#include <ditharos/nn/losses/losses.h>
#include <ditharos/nn/mlp.h>
#include <ditharos/nn/module.h>
#include <ditharos/nn/name_map.h>
#include <ditharos/nn/norm.h>
#include <ditharos/nn/normalization/batch_norm.h>
#include <ditharos/nn/normalization/instance_norm.h>
#include <ditharos/nn/pooling/pool.h>
#include <ditharos/nn/recurrent/cells.h>
#include <ditharos/nn/recurrent/recurrent.h>
#include <ditharos/nn/state/functional_call.h>
#include <ditharos/nn/state/module_dtype.h>
#include <ditharos/nn/state/module_file.h>
#include <ditharos/nn/state_dict.h>
#include <ditharos/nn/summary.h>
#include <ditharos/nn/transformer/transformer.h>

#include <ditharos/optim/adagrad.h>
#include <ditharos/optim/adam.h>
#include <ditharos/optim/clip.h>
#include <ditharos/optim/ema.h>
#include <ditharos/optim/lbfgs.h>
#include <ditharos/optim/muon.h>
#include <ditharos/optim/reduce_on_plateau.h>
#include <ditharos/optim/rmsprop.h>
#include <ditharos/optim/schedule.h>
#include <ditharos/optim/sgd.h>

#include <ditharos/data/datasets/subset.h>
#include <ditharos/data/datasets/tensor_dataset.h>
#include <ditharos/data/loading/data_loader.h>
#include <ditharos/data/loading/distributed_sampler.h>
#include <ditharos/data/loading/loader.h>
#include <ditharos/data/loading/stream_loader.h>

// The components models and training are there unless the library was built without them.
#if __has_include(<ditharos/models/dit/dit.h>)
#include <ditharos/models/autoencoder/kl.h>
#include <ditharos/models/autoencoder/kl_names.h>
#include <ditharos/models/autoencoder/objective.h>
#include <ditharos/models/autoencoder/video.h>
#include <ditharos/models/diffusion/bits_per_dim.h>
#include <ditharos/models/diffusion/flow.h>
#include <ditharos/models/diffusion/gaussian.h>
#include <ditharos/models/diffusion/mean_flow.h>
#include <ditharos/models/diffusion/path.h>
#include <ditharos/models/diffusion/prediction.h>
#include <ditharos/models/dit/cost.h>
#include <ditharos/models/dit/dit.h>
#include <ditharos/models/dit/dit_names.h>
#include <ditharos/models/dit/presets.h>
#include <ditharos/models/dit/text_names.h>
#include <ditharos/models/samplers/feature_cache.h>
#include <ditharos/models/samplers/mean_flow.h>
#include <ditharos/models/samplers/sampler.h>
#include <ditharos/models/text/t5.h>
#include <ditharos/models/text/t5_names.h>
#endif

#if __has_include(<ditharos/training/trainer.h>)
#include <ditharos/training/trainer.h>
#include <ditharos/training/training_loop.h>

#include <ditharos/pipelines/dit_pipeline.h>
#include <ditharos/pipelines/image_pipeline.h>
#include <ditharos/pipelines/video_pipeline.h>

#include <ditharos/data/codecs/png.h>
#include <ditharos/data/codecs/video/video_file.h>
#include <ditharos/data/datasets/clips/video_folder.h>
#include <ditharos/data/datasets/open.h>
#include <ditharos/data/image/image_grid.h>
#include <ditharos/data/text/tokenizer.h>
#endif
