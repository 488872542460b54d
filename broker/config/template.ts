/** What `hoop broker init` writes. It passes `hoop broker check` as it is; a test proves it. */
export function configTemplate(): string {
  return TEMPLATE
}

const TEMPLATE = `\
# Configuration of a hoop broker. Every setting: docs/configuration.md
# Check it:  hoop broker check --config FILE        Start it:  hoop broker start --config FILE

# Where the broker listens. Beyond this machine it needs tls, or a proxy in front that ends TLS:
#   tls: { cert: ./tls/cert.pem, key: ./tls/key.pem }
#   behind_proxy: true
listen: { host: 127.0.0.1, port: 7600 }

# Its address as people type it: hoop login --broker URL
public_url: http://127.0.0.1:7600

# Who people are: any OpenID Connect provider with device flow, DPoP and JWT access tokens.
identity:
  issuer: https://id.example.com
  client_id: hoop-cli
  audience: http://127.0.0.1:7600
  groups_claim: groups          # the claim of the access token that lists a person's groups
  scopes: [openid, email, offline_access]
  roles:                        # which groups may do what; nobody ever approves their own request
    requester: [engineers, dba]
    approver: [dba]
    auditor: [security]
    admin: [platform]

# Requests, approvals and the record of every session. Back it up; keep it from others.
data_dir: ./hoop-data

approval:
  expires_after: 1h             # nobody decided: the request is over
  in_transaction: 10m           # the same inside an open transaction, which holds locks
  use_within: 1h                # an approval that is not used for so long is void
  max_pending: 20               # requests of one person that wait on one connection

# Who is told what happens to requests: docs/notifications.md
# notify:
#   - { format: slack, url: { file: ./slack-url }, events: [held, escalated, break_glass] }

# What may be reached. The broker keeps the password; people never see it.
connections:
  - name: pg-prod
    kind: postgres
    target:
      host: db.example.com
      port: 5432
      user: hoop
      password: { env: HOOP_PG_PASSWORD }   # or { file: ./pg-prod.password } with mode 0600
      tls: { mode: verify-full }            # add ca: ./ca.pem for an authority of your own
    databases: [app]
    # A login without rights of its own, member of these two, makes the third layer of protection:
    # reader_role: hoop_reader
    # writer_role: hoop_writer

# Who may do what there. May also stand in a file of its own:  policy: ./policy.yaml
# Classes: read, write, ddl, admin; what is not named is denied. See docs/policy.md
policy:
  connections:
    pg-prod:
      request: [engineers, dba]
      rules:
        read: allow
        write: { hold: [{ group: dba, count: 1 }] }
        ddl: { hold: [{ group: dba, count: 1 }] }
        admin: deny
      mask:
        people.ssn: redact
        people.card_number: { partial: { last: 4 } }
      # Cards, social security numbers, IBANs, tokens and keys are covered wherever they are found;
      # e-mail addresses and telephone numbers only if you say so. show: leave it as it is.
      detect:
        card: { partial: { last: 4 } }
        email: redact
`
