/** What `lodeline --help` prints. */
export const HELP = `lodeline: WebRTC rooms and calls on your own server

  lodeline dev     start an open server on this machine and print a link to join
      --port <n>           default 7880; 0 takes a free one
      --host <address>     default 127.0.0.1; only loopback is allowed
      --room <name>        the room of the printed link; default a new one
      --data <folder>      keep rooms and calls there over a restart; default: nothing
                           is kept
      --faults             let /v1/faults and the page's developer panel break things
                           on purpose
      --fault <fault>      the same, and begin with this one, such as
                           udp:loss=5%@10s+5s; may be repeated; "help" lists them all

  lodeline serve   start a server that wants tokens; needs a signing key
      --key-file <file>    lines of id:secret; or set LODELINE_KEY
      --port <n>           default 7880
      --host <address>     default 0.0.0.0
      --origin <origin>    a page's origin that may connect; may be repeated
      --media-ports <a-b>  UDP ports for media, one for each worker and address
      --data <folder>      rooms and calls are kept there over a restart; default
                           lodeline-data
      --no-data            keep nothing

  lodeline media   carry the media of a server that is started with --media, in a process
                   of its own; one server at a time
      --listen <address>   where the server connects, host:port or unix:/path; default
                           127.0.0.1:7881
      --key-file <file>    the key that both share, made by \`lodeline key\`; or set
                           LODELINE_MEDIA_KEY
      and --workers, --room-per-worker, --media-address, --media-ports, --log-level

  dev and serve
      --media <address>    media runs in the \`lodeline media\` that listens there
      --media-key-file <file>  the key that both share; or set LODELINE_MEDIA_KEY
      --page <folder>      the built page; default the one beside this command
      --media-address <ip> address to offer for media, may be repeated; default all
                           of this machine's (Firefox never tries loopback for media)
      --workers <n>        threads that media runs in, each with a UDP port of its own;
                           default one for each core but one; 0: the server's own
      --speakers <n>       of how many microphones of a room sound is forwarded, those
                           that spoke last; default 3; 0: of all
      --room-per-worker <n>  participants of one room on one worker before the next takes
                           more of it; default 100
      --log-level <level>  error, warn, info, debug, trace or silent; dev: warn, serve: info

  lodeline key     make a signing key and print it

  lodeline token   sign a join token and print it
      --key-file <file>    as above, or LODELINE_KEY
      --room <name>        the only room it opens
      --identity <id>      who it is for
      --name <name>        what others read; default the identity
      --admin              may mute, remove and lock
      --ttl <duration>     90s, 10m, 6h or 2d; default 6h
      --url <address>      print a link to join at this server instead

  lodeline --help, lodeline --version

Ctrl+C tells everyone, closes within 3 seconds and exits with 0; a second one exits at once.
With --data, SIGUSR2 tells nobody: everybody goes on with the next server started on the folder.
Exit codes: 0 done, 1 failed or had to be forced, 2 wrong usage or configuration.
`;
