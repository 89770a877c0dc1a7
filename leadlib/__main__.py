from leadlib.cli import main

raise SystemExit(main())
