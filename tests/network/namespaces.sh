#!/usr/bin/env bash
# Runs a command of MPI on two "machines" of one computer: network namespaces with their own addresses, between them a
# link of a given rate and delay. Needs root, iproute2 and Open MPI.
#
#   tests/network/namespaces.sh RATE DELAY_MS COMMAND...      RATE: as tc has it, 1gbit. DELAY_MS: one way; 0: none
#
# COMMAND runs as one rank in each namespace. The environment has RANKS (default 2: one in each).
# DITHAROS_CUT="AFTER SECONDS" in the environment cuts the link once, that many seconds after the start, for so long.
#
# tc's netem delays packets where the kernel has it. Where it does not, delayed_link.py carries them between two TUN
# devices, which takes processor time.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
rate=$1 delay=$2
shift 2
a=ditharos-a-$$ b=ditharos-b-$$ relay=
agent=$(mktemp)
cleanup() {
  [[ -n $relay ]] && kill "$relay" 2>/dev/null || true
  ip netns del "$a" 2>/dev/null || true
  ip netns del "$b" 2>/dev/null || true
  rm -f "$agent"
}
trap cleanup EXIT

ip netns add "$a"
ip netns add "$b"
shape() { ip netns exec "$1" tc qdisc add dev "$2" root "${@:3}"; }
veth() {
  ip link add link-a netns "$a" type veth peer name link-b netns "$b"
}
limit=(tbf rate "$rate" burst 256kb latency 50ms)
if [[ $delay == 0 ]]; then
  veth
elif veth && shape "$a" link-a netem delay "${delay}ms" rate "$rate" limit 100000 2>/dev/null; then
  shape "$b" link-b netem delay "${delay}ms" rate "$rate" limit 100000
  limit=()
else
  ip -n "$a" link del link-a
  python3 "$here/delayed_link.py" link-a link-b "$delay" &
  relay=$!
  for _ in {1..50}; do [[ -e /sys/class/net/link-b ]] && break; sleep .1; done
  ip link set link-a netns "$a" mtu 65000
  ip link set link-b netns "$b" mtu 65000
fi
for side in a b; do
  name=${!side}
  ip -n "$name" addr add "10.77.0.$([[ $side == a ]] && echo 1 || echo 2)/24" dev "link-$side"
  ip -n "$name" link set "link-$side" up
  ip -n "$name" link set lo up
  ((${#limit[@]} == 0)) || shape "$name" "link-$side" "${limit[@]}"
done

# What mpirun calls in place of ssh: AGENT HOST COMMAND...
cat >"$agent" <<END
#!/bin/sh
shift
exec ip netns exec $b unshare --uts sh -c "hostname machine-b; \$*"
END
chmod +x "$agent"
if [[ -n ${DITHAROS_CUT:-} ]]; then
  read -r after seconds <<<"$DITHAROS_CUT"
  (sleep "$after"; ip -n "$b" link set link-b down; sleep "$seconds"; ip -n "$b" link set link-b up) &
fi
ranks=${RANKS:-2}
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
ip netns exec "$a" unshare --uts sh -c 'hostname machine-a; exec "$@"' sh mpirun -q --bind-to none --oversubscribe \
  --host "10.77.0.1:$((ranks / 2)),10.77.0.2:$((ranks / 2))" -n "$ranks" --mca plm_rsh_agent "$agent" \
  --mca btl tcp,self --mca btl_tcp_if_include 10.77.0.0/24 --mca oob_tcp_if_include 10.77.0.0/24 \
  -x OMP_WAIT_POLICY "$@"
