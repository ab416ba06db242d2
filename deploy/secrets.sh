#!/bin/sh
# Makes the secrets of the trial, once. They stay on this machine.
set -eu
cd "$(dirname "$0")"
[ ! -e secrets ] || { echo "there are secrets already" >&2; exit 1; }
umask 077
mkdir secrets
random() { od -An -N"$1" -tx1 /dev/urandom | tr -d ' \n'; }
random 512 > secrets/members
for who in admin main signer; do random 24 > "secrets/${who}_password"; done
random 24 > secrets/metrics_token
hosts="mongo1,mongo2,mongo3/?replicaSet=rs0&authSource=admin"
printf 'mongodb://yunzhang:%s@%s' "$(cat secrets/main_password)" "$hosts" > secrets/main_uri
printf 'mongodb://yunzhang_signer:%s@%s' "$(cat secrets/signer_password)" "$hosts" > secrets/signer_uri
