"""The cost of a step on several machines: a model, its fit to measurements of namespaces.sh, and what it predicts.

A step of N ranks takes

    C + (1 - 1/N) G / W + max(tail, rest) + 2 L
    tail = (1 - 1/N) b / W + L log2 N                    the last bucket, which nothing can hide
    rest = (1 - 1/N) G / W - e D                         what the backward pass is too short for

C: computation, with what TCP costs of it. G: bytes of gradients, and of parameters. W: bytes a second of the link. L: its
delay. b: bytes of a bucket. D: the backward pass after its first bucket. e: the share of the link's rate that messages
have beside computation, which lets them go on between operations only. The second term is the parameters, which nothing
hides; 2 L the step's summary.

C, W and e are fitted by least squares of the relative errors of the three measured times: the step, the exposed exchange
of gradients, the exchange of parameters.
"""
import math

G, b = 4 * 32473356, 25e6
BACKWARD = 0.95  # seconds, measured with --profile
D = BACKWARD * (1 - 1 / math.ceil(G / b))

# DiT-S/2 of 256 tokens, batch 8, two ranks of one thread: gigabits a second, one way delay, and the seconds of a step, of
# the exposed exchange of gradients and of the exchange of parameters.
MEASURED = [
    (10, 0.0, 1.659, 0.013, 0.062),
    (1, 0.0, 2.364, 0.127, 0.545),
    (10, 1e-3, 1.796, 0.057, 0.129),
    (1, 1e-3, 2.337, 0.169, 0.523),
]


def times(ranks, bandwidth, delay, compute, share):
    part = (1 - 1 / ranks) / bandwidth
    parameters = part * G
    gradients = max(part * b + delay * math.log2(ranks), part * G - share * D)
    return compute + parameters + gradients + 2 * delay, gradients, parameters


def error(bandwidths, compute, share):
    total = 0
    for rate, delay, *seen in MEASURED:
        step, gradients, parameters = times(2, bandwidths[rate, delay], delay, compute, share)
        total += ((step - seen[0]) / seen[0]) ** 2 + ((gradients - seen[1]) / seen[0]) ** 2
        total += ((parameters - seen[2]) / seen[0]) ** 2
    return total


def main():
    # The parameters alone determine each link's bandwidth: nothing else runs while they are sent.
    bandwidths = {(rate, delay): G / 2 / seen[2] for rate, delay, *seen in MEASURED}
    _, compute, share = min((error(bandwidths, c / 1000, e / 100), c / 1000, e / 100)
                            for c in range(1400, 1800, 5) for e in range(1, 100))
    print(f"C = {compute:.3f} s, e = {share:.2f}")
    print("Gbit/s  delay   measured (step, gradients, parameters)   model")
    for rate, delay, *seen in MEASURED:
        model = times(2, bandwidths[rate, delay], delay, compute, share)
        print(f"{rate:6} {delay * 1e3:4.0f} ms   " + "  ".join(f"{x:6.3f}" for x in seen) + "                     "
              + "  ".join(f"{x:6.3f}" for x in model) + f"   {100 * (model[0] / seen[0] - 1):+.1f} %")
    print("ranks  Gbit/s   step     of the speed without messages")
    for ranks in (8, 64):
        for rate in (1, 10, 100):
            step = times(ranks, rate * 1e9 / 8 * 0.95, 1e-4, compute, share)[0]
            print(f"{ranks:5} {rate:7}   {step:.3f} s  {100 * compute / step:.0f} %")


main()
