service Erp @(path: '/odata/v4/erp') {
  entity Suppliers {
    key number : String(10);
    changed    : Timestamp;
    name       : String(80);
    blocked    : Boolean;
  }
  @cds.query.limit: 3
  entity Bills {
    key number : String(10);
    changed    : Timestamp;
    amount     : Decimal(15, 2);
  }
  entity Ledger {
    key document : String(12);
    key line     : Integer;
    amount       : Decimal(15, 2);
    posted       : Date;
  }
  entity Memos {
    key number : UUID;
    reference  : String(35);
    currency   : String(3);
    items      : Composition of many MemoItems on items.memo = $self;
  }
  entity MemoItems {
    key number : UUID;
    memo       : Association to Memos;
    material   : String(40);
    amount     : Decimal(15, 2);
  }
}
